#!/usr/bin/env bash
# Run a program from an environment of its own: exactly the files that tools/NAME.txt pins.
#   tool.sh NAME [COMMAND [ARGUMENT…]]   without a command, only make it ready
. "$(dirname "$0")/settings.sh"

lock=$here/tools/${1:-}.txt
[[ -n ${1:-} && -s $lock ]] || fail "usage: tool.sh NAME [COMMAND…], where NAME is one of: $(cd "$here/tools" && echo ./*.txt | sed 's,\./\([^ ]*\)\.txt,\1,g')"
home=$top/.cellar/tools/$1-$(sha256sum "$lock" | cut -c 1-16)

make_ready() {
  [[ ! -e $home/.made ]] || return 0
  rm -rf "$home"
  "${CELLAR_PYTHON:-python3}" -m venv "$home" || fail "python3 could not make $home: install python3-venv"
  "$home/bin/pip" install -q --require-hashes --no-deps -r "$lock" || fail "pip could not install what $lock pins"
  touch "$home/.made"
}

mkdir -p "$top/.cellar/tools"
exec 8>"$top/.cellar/tools/lock"
flock 8
make_ready
exec 8>&-
if (($# > 1)); then exec "$home/bin/$2" "${@:3}"; fi
say "$1 is there"
