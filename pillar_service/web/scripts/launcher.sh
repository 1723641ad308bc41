# shellcheck shell=sh disable=SC2154  # starts and stops a node; enrol.sh sets root, etc, python, unit and path above this
pid_file=$root/run/saltcellar/node.pid log=$root/var/log/saltcellar/node.out
if [ -n "$path" ]; then export PYTHONPATH="$path"; fi

# The node trusts the authorities that its system trusts, as curl does, not a list that came with a Python package.
for authorities in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
  if [ -z "${REQUESTS_CA_BUNDLE:-}" ] && [ -r "$authorities" ]; then export REQUESTS_CA_BUNDLE="$authorities"; fi
done

# A process counts as the one in the pid file only if its start time matches, too: the kernel uses process ids again.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
is_up() { read -r pid since 2>/dev/null <"$pid_file" && [ -n "$since" ] && [ "$(began "$pid")" = "$since" ]; }

# If the power failed while the version was changed, the environment may exist only under the name venv.before.
find_version() {
  venv=${python%/bin/python}
  if [ ! -d "$venv" ] && [ -d "$venv.before" ]; then mv "$venv.before" "$venv"; fi
}

# An upgrade that was interrupted begins again, and goes back to the old version if the new one does not work.
go_on() {
  opt=${venv%/venv}
  if ! read -r switch since state made 2>/dev/null <"$opt/switching" || [ "$(began "$switch")" = "$since" ]; then return; fi
  set -- setsid sh "$opt/bin/switch.sh" "$opt" "$state" "$made"
  # systemd ends all processes of a unit together, so this needs a unit of its own.
  if [ -n "$unit" ]; then set -- systemd-run --quiet --collect --unit=saltcellar-upgrade "$@"; fi
  "$@" >>"$opt/switch.log" 2>&1 </dev/null &
}

run() {
  find_version
  go_on
  mkdir -p "$root/run/saltcellar"
  "$python" -m pillar_service.node.enrolment finish --root "$root/" || true
  exec "$python" "$(dirname "$python")/salt-minion" -c "$etc"
}

start() {
  if is_up; then return; fi
  mkdir -p "$root/run/saltcellar"
  setsid "$0" run >>"$log" 2>&1 </dev/null &
  printf '%s %s\n' "$!" "$(began "$!")" >"$pid_file"
}

stop() {
  if ! is_up; then return; fi
  kill -TERM "$pid" 2>/dev/null || true
  tries=0
  while [ -n "$(began "$pid")" ] && [ "$tries" -lt 30 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "-$pid" 2>/dev/null || true
  tries=0
  while kill -0 "-$pid" 2>/dev/null && [ "$tries" -lt 20 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  # A dead process that nobody has reaped, as in a container without an init, would count as a running minion for Salt.
  rm -f "$pid_file" "$root/run/saltcellar/process_responsibility_salt-minion.pid"
}

case ${1:-} in
  run) run ;;
  start) if [ -n "$unit" ]; then systemctl start saltcellar-node; else start; fi ;;
  stop) if [ -n "$unit" ]; then systemctl stop saltcellar-node; else stop; fi ;;
  restart) if [ -n "$unit" ]; then systemctl restart saltcellar-node; else stop; start; fi ;;
  status) if [ -n "$unit" ]; then systemctl is-active saltcellar-node; elif is_up; then echo "runs, pid $pid"; else echo stopped; exit 3; fi ;;
  *) echo "saltcellar-node start|stop|restart|status|run" >&2; exit 2 ;;
esac
