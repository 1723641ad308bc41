#!/usr/bin/env bash
# Gather the wheels that new nodes install from, so that they need no index: FILE (default: node-bundle.tar.gz in CELLAR_DIR).
# They fit nodes with this machine's Python and processor. Name the file in CELLAR_NODE_BUNDLE.      node-bundle.sh [FILE]
. "$(dirname "$0")/settings.sh"

file=${1:-$CELLAR_DIR/node-bundle.tar.gz}
work=$(mktemp -d) pinned=$(mktemp)
trap 'rm -rf "$work" "$pinned"' EXIT
mkdir -p "$(dirname "$file")"
pins >"$pinned"
"$bin/pip" wheel -q -w "$work" -c "$pinned" "${top}[node]" || fail "pip could not gather the wheels of saltcellar[node]"
tar -czf "$file.part" -C "$work" .
mv "$file.part" "$file"
say "$file: $(find "$work" -name '*.whl' | wc -l) wheels, SHA-256 $(sha256sum "$file" | cut -d' ' -f1)"
