#!/usr/bin/env bash
# Pin every package that is installed, with the hashes of its files: in requirements.txt and requirements-dev.txt, and in
# vagrant/tools for programs that have an environment of their own.   lock.sh [--upgrade]
# Pins stay as they are, unless --upgrade is given or setup.cfg asks for another version.
. "$(dirname "$0")/settings.sh"

cd "$top"
# 3.11.2 is Debian 12's Python: some packages need more dependencies with it than with a later one.
lock() { "$here/uv.sh" pip compile -q --generate-hashes --no-header --no-annotate --python-version 3.11.2 "$@"; }
ours=(--extra service --extra master --extra node)
lock setup.cfg "${ours[@]}" "$@" -o requirements.txt || fail "uv could not pin service, master and node"
lock setup.cfg "${ours[@]}" --extra dev -c requirements.txt "$@" -o requirements-dev.txt || fail "uv could not pin dev"
for tool in vagrant/tools/*.in; do
  lock "$tool" "$@" -o "${tool%.in}.txt" || fail "uv could not pin $tool"
done
say "$(grep -c == requirements.txt) packages pinned in requirements.txt, $(grep -c == requirements-dev.txt) in requirements-dev.txt"
