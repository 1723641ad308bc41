#!/bin/sh
# Put a node's new version in place of the present one, and the old one back if the new one does not work:
#   switch.sh OPT STATE MADE
# OPT is the folder where enrol.sh put the node, STATE the file in which the new version says "done", MADE the version and
# SHA-256 that enrol.sh compares. This script is a copy that belongs to neither version, and goes on while both are stopped.
# If it is interrupted, as by a reboot, the launcher calls it again, and it goes on from what it finds.
set -eu
opt=$1 state=$2 made=$3 launcher=$1/bin/saltcellar-node under_way=$1/switching

says() { grep -q "\"state\": \"$1\"" "$state"; }

# Note this process by its id and its start time, so that the launcher can tell it from a later process with the same id.
note() {
  printf '%s %s %s %s\n' "$$" "$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)" "$state" "$made" >"$under_way.part"
  mv "$under_way.part" "$under_way"
  sync # before anything is moved
}

# If an earlier call was interrupted, the steps that it has done are left out.
change_over() {
  "$launcher" stop || true
  if [ ! -d "$opt/venv.next" ]; then return; fi
  if [ -d "$opt/venv" ]; then
    rm -rf "$opt/venv.before"
    mv "$opt/venv" "$opt/venv.before"
  fi
  mv "$opt/venv.next" "$opt/venv"
}

# The new version works once it runs the duty `upgrading`, which says "done"; it has three minutes.
works() {
  tries=0
  while [ "$tries" -lt "${CELLAR_SWITCH_WAIT:-180}" ]; do
    if says 'done'; then return 0; fi
    sleep 1
    tries=$((tries + 1))
  done
  return 1
}

put_back() {
  "$launcher" stop || true
  if [ -d "$opt/venv.before" ]; then
    rm -rf "$opt/venv.next"
    if [ -d "$opt/venv" ]; then mv "$opt/venv" "$opt/venv.next"; fi
    mv "$opt/venv.before" "$opt/venv"
    rm -rf "$opt/venv.next"
  fi
  # On a full disk the failure can't be written down; the old version runs all the same, and finds out by itself.
  if sed 's/"state": "switching", "why": "[^"]*"/"state": "failed", "why": "The new version did not start working, so the one before is back: see the log of the node."/' \
    "$state" >"$state.part"; then mv "$state.part" "$state"; fi || true
  "$launcher" start
  echo "put back"
}

if says switching; then
  note
  change_over
  "$launcher" start || true
  works || put_back
fi
if says 'done'; then
  printf '%s\n' "$made" >"$opt/made"
  rm -rf "$opt/venv.before"
  echo "is $made"
fi
rm -f "$under_way"
