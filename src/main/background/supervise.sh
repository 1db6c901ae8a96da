#!/bin/sh
# Keeps one component running without an init system: starts it, starts it again when it ends on its own, stops it
# when told to. A shell costs a megabyte where a Node process would cost forty.
# usage: supervise.sh PIDFILE COMMAND...        (standard output and error belong to the caller)
# PIDFILE holds this shell's pid; PIDFILE.child the component's. SIGTERM stops both, in this order: component, shell.
pidfile=$1
shift
child=
# Tenths of a second before the next start. Only what ends soon after its start again and again has to wait longer and longer.
delay=2
stopping=
stop() {
  stopping=yes
  [ -n "$child" ] && kill -TERM "$child" 2>/dev/null
}
trap stop TERM INT
echo $$ >"$pidfile"
while [ -z "$stopping" ]; do
  started=$(date +%s)
  "$@" &
  child=$!
  echo "$child" >"$pidfile.child"
  # A signal ends wait early: wait again for the component itself.
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  [ -n "$stopping" ] && break
  # Exit code 2 says that starting again cannot help (wrong flags, port in use by another program).
  [ "$code" = 2 ] && break
  [ $(($(date +%s) - started)) -ge 5 ] && delay=2
  seconds=$((delay / 10)).$((delay % 10))
  printf '{"level":"error","component":"supervisor","msg":"ended, starting again","exitCode":%d,"delaySeconds":%s}\n' "$code" "$seconds" >&2
  sleep "$seconds" &
  wait $!
  delay=$((delay * 2))
  [ "$delay" -gt 300 ] && delay=300
done
rm -f "$pidfile" "$pidfile.child"
exit 0
