#!/usr/bin/env bash
# Show each process and each bot; the exit code is 0 only if all live and answer.   status.sh
. "$(dirname "$0")/settings.sh"
. "$here/minion.sh"

# List the processes that run but do not answer: one that hangs has its pid, too. Chat has no address to ask.
silent() {
  ! is_up public || healthy "$public_url" >/dev/null 2>&1 || say public
  ! is_up private || healthy "$private_url" >/dev/null 2>&1 || say private
  if is_up master && is_up minion; then silent_of_salt; fi
}

# Say which of master and minion does not answer, if one doesn't: the minion is asked through the master.
silent_of_salt() {
  local told
  told=$(test_ping "$CELLAR_NODE" 2>&1) || true
  case $told in
    *True*) ;;
    *'did not return'*) say minion ;;
    *) say master ;;
  esac
}

# Describe the state of a process: NAME, and the names of those that do not answer.
standing() {
  if ! is_up "$1"; then
    say "not running: run 'make up'"
  elif [[ " $2 " == *" $1 "* ]]; then
    say "runs, but does not answer (pid $(cat "$CELLAR_DIR/run/$1.pid")): 'make down' ends it, then 'make up'"
  else
    say "running   pid $(cat "$CELLAR_DIR/run/$1.pid")"
  fi
}

code=0
mute=$(silent | xargs)
for name in "${processes[@]}"; do
  stands=$(standing "$name" "$mute")
  printf '  %-10s %s\n' "$name" "$stands"
  [[ $stands == running* ]] || code=1
done
if version=$(timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null); then
  printf '  %-10s running   %s\n' docker "$version"
else
  printf '  %-10s not running\n' docker
  code=1
fi
if [[ $(standing private "$mute") != running* ]]; then
  say "  The bots' states are not known without the private app."
  exit 1
fi
"$bin/salt-run" -c "$salt_etc" bots.list --out=json 2>/dev/null | "$bin/python" "$here/show_bots.py" || code=1
exit $code
