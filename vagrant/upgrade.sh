#!/usr/bin/env bash
# Bring what runs here to this tree's version, without a dropped request; if anything fails, go back.   upgrade.sh
. "$(dirname "$0")/settings.sh"
. "$here/changing.sh"

service_python() { "$bin/python" "$@"; }

take_over() {
  local name=$1 pid
  is_up "$name" || fail "$name is not running: run 'make up'"
  pid=$(manage restart "$(cat "$CELLAR_DIR/run/$name.pid")") || exit
  say "$pid" >"$CELLAR_DIR/run/$name.pid"
  start_time "$name" >"$CELLAR_DIR/run/$name.began"
  touch "$over"
  say "process $pid took over"
}

again() {
  local script=$1
  shift
  for name in "$@"; do stop_process "$name"; done
  "$here/$script"
}

stop_service() { for name in chat public private; do stop_process "$name"; done; }

as_its_user() { "$@"; }

packages_stay() { [[ $(cat "$top/.venv/.made" 2>/dev/null) == "$made" ]]; }

is_over() { [[ -e $over ]]; }

old_goes_on() {
  if [[ -e $stopped ]]; then
    say "  The service is stopped: check out the previous version, then run 'make up'."
  else
    say "  The previous version goes on serving."
  fi
  packages_stay || say "  But the packages in .venv have changed: check that version out and run vagrant/python.sh, or run 'make upgrade' again."
}

umask 077
if ! is_up public || ! is_up private; then fail "Nothing to upgrade is running in $CELLAR_DIR: run 'make up'"; fi
take_turn
copies=$CELLAR_DIR/copies over=$work/over
made=$(cat "$top/.venv/.made" 2>/dev/null) || made=''
trap go_back EXIT

say "Saltcellar in $CELLAR_DIR becomes $(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$top/pillar_service/__init__.py")"
prepare up
change_database "$copies"
if [[ -e $stopped ]]; then
  step service "$here/service.sh"
  touch "$over"
else
  step private apart take_over private
  step public apart take_over public
fi
if [[ ${processes[*]} == *chat* ]]; then step chat apart again chat.sh chat; fi
if is_up master; then step salt apart again salt.sh minion master; fi
step check healthy "$public_url"
[[ -z ${CELLAR_NODE_BUNDLE:-} ]] || step node-bundle "$here/node-bundle.sh" "$CELLAR_NODE_BUNDLE"
has_changed
