# Runs the server for as long as its owner lives. Run with `sh -c`, in a process group of its own.
#
# Standard input: a pipe from the owner, whose end of file is the owner's end, however that came; the server is then told
# to stop, and killed if it does not within three seconds. Standard output: the data folder's lock file, kept open so that
# the next run waits until the server is gone. Standard error: the server's diagnostics. Ends with the server's status.
#
# Arguments: the request log; the server's program.

requests=$1 server=$2

# Only the owner's end counts.
trap '' HUP INT TERM
exec 3<&0

(
  trap - HUP INT TERM
  exec "$server" </dev/null >>"$requests" 3<&-
) &
server_pid=$!

(
  read -r _ <&3
  kill -TERM "$server_pid"
  tries=0
  while kill -0 "$server_pid"; do
    [ "$tries" -lt 60 ] || kill -KILL "$server_pid"
    tries=$((tries + 1))
    sleep 0.05
  done
) 2>/dev/null &
watcher_pid=$!

wait "$server_pid"
status=$?
kill -KILL "$watcher_pid" 2>/dev/null
exit "$status"
