#!/usr/bin/env bash
# Make .venv with Saltcellar and its dependencies: exactly the files that requirements.txt pins.   python.sh [EXTRA,…]
. "$(dirname "$0")/settings.sh"

extras=${1:-service,master,node}
stamp=$top/.venv/.made
sum=$(cat "$top/setup.cfg" "$top"/requirements*.txt | sha256sum | cut -d' ' -f1)

salt_version() { "$bin/python" -c 'from importlib.metadata import version; print(version("salt"))'; }
made_with() { [[ -f $stamp ]] && grep -qx "$sum $1" "$stamp"; }
if made_with "$extras" || made_with "service,master,node,dev"; then
  say ".venv is there, with Salt $(salt_version)"
  exit
fi

python=${CELLAR_PYTHON:-$(command -v python3.11 || command -v python3)}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed: set CELLAR_PYTHON"
# venv makes pip last: without it, the environment was killed while it was made.
[[ -x $bin/pip ]] || "$python" -m venv --clear "$top/.venv" || fail "$python could not make .venv: install python3-venv"
rm -f "$stamp" # a .venv that is changed half way matches no stamp
# Some of a release's wheels were built from sources, and are in no index, so no hash is pinned for them: the release's own
# checksum covers them.
if [[ -n ${PIP_NO_INDEX:-} ]]; then
  pins >"$top/.venv/pins.txt"
  "$bin/pip" install -q -c "$top/.venv/pins.txt" -e "${top}[$extras]" || fail "pip could not install saltcellar[$extras]"
else
  lock=$top/requirements.txt
  [[ $extras != *dev* ]] || lock=$top/requirements-dev.txt
  "$bin/pip" install -q --require-hashes --no-deps -r "$lock" || fail "pip could not install what $(basename "$lock") pins"
  "$bin/pip" install -q --no-deps -e "$top" || fail "pip could not install saltcellar"
fi
say "$sum $extras" >"$stamp"
say ".venv made, with Salt $(salt_version)"
