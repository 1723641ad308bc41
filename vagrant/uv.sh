#!/usr/bin/env bash
# uv, which pins packages and runs programs that are not installed; in a folder of its own.   uv.sh ARGUMENT…
. "$(dirname "$0")/settings.sh"

readonly UV=0.13.9
home=$CELLAR_DIR/uv-$UV
if [[ ! -x $home/bin/uv ]]; then
  mkdir -p "$CELLAR_DIR"
  "${CELLAR_PYTHON:-python3}" -m venv "$home" || fail "python3 could not make $home: install python3-venv"
  "$home/bin/pip" install -q "uv==$UV" || fail "pip could not install uv $UV"
fi
exec env UV_CACHE_DIR="$home/cache" "$home/bin/uv" "$@"
