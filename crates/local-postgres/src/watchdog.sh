# shellcheck shell=sh
# Starts or joins a Postgres, waits until its owner is gone in whatever way, and stops Postgres if no other owner is
# left. Run with `sh -c`, one for each owner, in a process group of its own.
#
# Standard input: a socket to the owner. This writes `ready` to it; its end of file is the owner's end, and the word
# `stop` asks not to linger. Standard output: the owner's entry file, which gets this process' number and is kept
# open because it carries a lock that tells that this watchdog lives. Standard error: Postgres' log when starting, which likewise carries a lock that every
# process of Postgres inherits.
#
# Arguments: the pg_ctl program; the data directory; the folder of entries; this owner's entry, still outside of it;
# seconds to linger after the owner's end; Postgres' options, empty to join a running one; seconds to wait for a start.

pg_ctl=$1 data=$2 users=$3 pending=$4 linger=$5 options=$6 start_limit=$7
entry=$users/${pending##*/}

# Only the owner's end counts. PIPE: the owner may be gone when this answers.
trap '' HUP INT QUIT TERM PIPE

# The folder exists as long as anyone uses this run of Postgres. Both renaming into it and removing it when empty are
# atomic, so either this owner is in, or Postgres is being stopped and cannot be joined any more.
if [ -n "$options" ]; then
  mkdir "$users" 2>/dev/null
fi
mv "$pending" "$entry" 2>/dev/null || exit 11
echo "$$"

status=0
if [ -n "$options" ]; then
  "$pg_ctl" start -s -w -t "$start_limit" -D "$data" -o "$options" >&2 || status=12
fi
exec 2>/dev/null

if [ "$status" = 0 ]; then
  echo ready >&0
  read -r _ || sleep "$linger"
fi

# Which process to stop is read while the entry still keeps this run alive: afterwards it could be the next run's.
pid=
read -r pid <"$data/postmaster.pid"
rm -f "$entry"
if ! rmdir "$users"; then
  [ "$status" != 0 ] || status=10
  exit "$status"
fi

running() {
  now=
  read -r now <"$data/postmaster.pid"
  [ -n "$pid" ] && [ "$now" = "$pid" ] && kill -0 "$pid"
}

# INT is Postgres' fast shutdown, QUIT its immediate one (documentation, 19.5 "Shutting Down the Server").
if running; then
  kill -INT "$pid"
  tries=0
  while running; do
    [ "$tries" != 600 ] || kill -QUIT "$pid"
    [ "$tries" -lt 800 ] || exit 13
    tries=$((tries + 1))
    sleep 0.05
  done
fi
exit "$status"
