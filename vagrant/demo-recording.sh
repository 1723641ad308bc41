#!/usr/bin/env bash
# Record a whole tour in a terminal (docs/demo.svg), take pictures of it (docs/screenshots/demo-*.png), and delete the tour.
. "$(dirname "$0")/demo-settings.sh"

[[ ! -d $CELLAR_DIR ]] || fail "There is a tour in $CELLAR_DIR already: run 'make demo-down' first, because a recording begins from nothing"
cast=$(mktemp)
leave_nothing() {
  rm -f "$cast"
  "$here/demo-down.sh" >/dev/null
}
trap leave_nothing EXIT
cd "$top"
script --quiet --flush --return --command 'stty cols 110; make --no-print-directory demo' "$cast"
"$bin/python" "$demo/recording.py" "$cast" "$top/docs/demo.svg"
"$bin/python" "$top/tests/browser/demo_pictures.py"
say "docs/demo.svg and docs/screenshots/demo-*.png are made: look at them"
