#!/usr/bin/env bash
# Pin every package that is installed, with the hashes of its files: requirements.txt, requirements-dev.txt.   lock.sh [--upgrade]
# What is pinned already stays, unless --upgrade is said or setup.cfg asks for another version.
. "$(dirname "$0")/settings.sh"

readonly UV=0.13.9
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${CELLAR_PYTHON:-python3}" -m venv "$tools" && "$tools/bin/pip" install -q "uv==$UV" || fail "pip could not install uv $UV"
cd "$top"
# 3.11.2 is Debian 12's Python: some packages need more of it than of a later one.
lock() { "$tools/bin/uv" pip compile -q setup.cfg --generate-hashes --no-header --no-annotate --python-version 3.11.2 "$@"; }
ours=(--extra service --extra master --extra node)
lock "${ours[@]}" "${@:1}" -o requirements.txt || fail "uv could not pin service, master and node"
lock "${ours[@]}" --extra dev -c requirements.txt "${@:1}" -o requirements-dev.txt || fail "uv could not pin dev"
say "$(grep -c == requirements.txt) packages pinned in requirements.txt, $(grep -c == requirements-dev.txt) in requirements-dev.txt"
