#!/bin/sh
# Put a node's new version in the place of the one that works, and back if it does not come to work.   switch.sh OPT STATE MADE
# OPT is where enrol.sh put the node, STATE the file in which the new version says "done", MADE what enrol.sh compares.
# It belongs to neither version, and goes on when both are gone. When it is gone itself, as after a reboot, the launcher calls it
# again: then it goes on from what it finds.
set -eu
opt=$1 state=$2 made=$3 launcher=$1/bin/saltcellar-node under_way=$1/switching

says() { grep -q "\"state\": \"$1\"" "$state"; }

# By what the launcher knows whether this still goes on: the kernel gives numbers anew, but not with the same beginning.
note() {
  printf '%s %s %s %s\n' "$$" "$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)" "$state" "$made" >"$under_way.part"
  mv "$under_way.part" "$under_way"
  sync # before anything is moved
}

# Where it was ended between two steps, what is done already is left out.
change_over() {
  "$launcher" stop || true
  if [ ! -d "$opt/venv.next" ]; then return; fi
  if [ -d "$opt/venv" ]; then
    rm -rf "$opt/venv.before"
    mv "$opt/venv" "$opt/venv.before"
  fi
  mv "$opt/venv.next" "$opt/venv"
}

# It counts once the new version runs the duty that asked for all this, three minutes at most.
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
  # With a full disk nothing can be said of it; the version before runs all the same, and finds by itself that this failed.
  if sed 's/"state": "switching", "why": "[^"]*"/"state": "failed", "why": "The new version did not come to work, and the one before is back: see the log of the node."/' \
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
