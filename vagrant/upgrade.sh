#!/usr/bin/env bash
# Bring what runs here to the version that stands in this tree, without a dropped request; what fails goes back.   upgrade.sh
. "$(dirname "$0")/settings.sh"

readonly KEPT=3 # copies of the database, one from before each upgrade
copies=$CELLAR_DIR/copies
manage() { "$bin/python" -m pillar_service.web "$@"; }
# What fails in a step ends that alone. (Inside, `set -e` counts for nothing, as `step` asks how it went.)
apart() ("$@")

copy_database() {
  mkdir -p "$copies"
  manage copy "$copies/before-$(date +%Y%m%dT%H%M%S)" || exit
  find "$copies" -name 'before-*' | sort -r | tail -n +$((KEPT + 1)) | xargs -r rm --
}

# Who runs beside a step of the database that takes away what it uses would fail: then it is stopped for that long.
migrate() {
  if grep -q stopped "$pending"; then
    touch "$stopped"
    stop_service
  fi
  manage migrate
}

take_over() {
  local name=$1 pid
  is_up "$name" || fail "$name does not run: run 'make up'"
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

packages_stay() { [[ $(cat "$top/.venv/.made" 2>/dev/null) == "$made" ]]; }

# What was not taken over runs on as it was: its database is made again what it was, with all that was written meanwhile.
go_back() {
  local code=$?
  trap - EXIT
  ((code)) || exit 0
  if [[ -e $stopped && ! -e $over ]]; then stop_service; fi
  if [[ -e $over ]]; then
    say "  Part of it is the new version by now, which the database fits, and the rest the old one, which can use it:"
    say "  mend what failed, then run 'make upgrade' again."
  elif [[ ! -s $pending ]] || step back manage migrate --to "$(sed -n 's/^At \(.*\)\.$/\1/p' "$pending")"; then
    if [[ -e $stopped ]]; then
      say "  The service is stopped: check the version before out, and run 'make up'."
    else
      say "  The version before serves on."
    fi
    packages_stay || say "  Its packages in .venv are not what they were: check it out and run vagrant/python.sh, or run 'make upgrade' again."
  fi
  rm -rf "$work"
  exit "$code"
}

umask 077
if ! is_up public || ! is_up private; then fail "What is to be upgraded does not run in $CELLAR_DIR: run 'make up'"; fi
take_turn
work=$(mktemp -d) pending=$work/pending stopped=$work/stopped over=$work/over
made=$(cat "$top/.venv/.made" 2>/dev/null) || made=''
trap go_back EXIT

say "Saltcellar in $CELLAR_DIR becomes $(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$top/pillar_service/__init__.py")"
prepare up
step copy apart copy_database
manage migrate --pending >"$work/told"
mv "$work/told" "$pending"
step migrate apart migrate
if [[ -e $stopped ]]; then
  step service "$here/service.sh"
  touch "$over"
else
  step private apart take_over private
  step public apart take_over public
fi
if [[ ${processes[*]} == *chat* ]]; then step chat apart again chat.sh chat; fi
if is_up master; then step salt apart again salt.sh minion master; fi
step check curl -fsS "$public_url/healthz"
[[ -z ${CELLAR_NODE_BUNDLE:-} ]] || step node-bundle "$here/node-bundle.sh" "$CELLAR_NODE_BUNDLE"
rm -rf "$work"
trap - EXIT
