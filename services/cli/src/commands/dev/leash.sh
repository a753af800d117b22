# shellcheck shell=sh
# Runs a program for as long as its owner lives. Run with `sh -c`, in a process group of its own.
#
# Standard input: a pipe from the owner, whose end of file is the owner's end, however that came; the program is then told
# to stop, and killed if it does not within three seconds. Standard output: the data folder's lock file, kept open so that
# the next run waits until the program is gone. Standard error: the program's diagnostics. Ends with the program's status,
# and what the program itself had started is told to stop then.
#
# Arguments: the file that the program's standard output is added to; the program; its arguments.

output=$1
shift

# Only the owner's end counts.
trap '' HUP INT TERM
exec 3<&0

(
  trap - HUP INT TERM
  exec "$@" </dev/null >>"$output" 3<&-
) &
program_pid=$!

(
  read -r _ <&3
  kill -TERM "$program_pid"
  tries=0
  while kill -0 "$program_pid"; do
    [ "$tries" -lt 60 ] || kill -KILL "$program_pid"
    tries=$((tries + 1))
    sleep 0.05
  done
) 2>/dev/null &
watcher_pid=$!

wait "$program_pid"
status=$?
kill -KILL "$watcher_pid" 2>/dev/null
# The whole group, in which this shell alone does not heed it.
kill -TERM 0
exit "$status"
