#!/bin/sh
# Put a node's new version in the place of the one that works, and back if it does not come to work.   switch.sh OPT STATE MADE
# OPT is where enrol.sh put the node, STATE the file in which the new version says "done", MADE what enrol.sh compares.
# It belongs to neither version, and goes on when both are gone.
set -eu
opt=$1 state=$2 made=$3 launcher=$1/bin/saltcellar-node

says() { grep -q "\"state\": \"$1\"" "$state"; }

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
  sed 's/"state": "switching", "why": "[^"]*"/"state": "failed", "why": "The new version did not come to work, and the one before is back: see the log of the node."/' \
    "$state" >"$state.part"
  mv "$state.part" "$state"
  "$launcher" start
  echo "put back"
}

says switching || exit 1
rm -rf "$opt/venv.before"
"$launcher" stop || true
mv "$opt/venv" "$opt/venv.before"
mv "$opt/venv.next" "$opt/venv"
"$launcher" start || true
if works; then
  printf '%s\n' "$made" >"$opt/made"
  rm -rf "$opt/venv.before"
  echo "is $made"
else
  put_back
fi
