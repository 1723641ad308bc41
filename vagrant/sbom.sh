#!/usr/bin/env bash
# List what is installed for service, master, node, pubs and pages, as CycloneDX (ECMA-424).   sbom.sh [FILE]   (default:
# sbom.json in CELLAR_DIR)
. "$(dirname "$0")/settings.sh"

file=${1:-$CELLAR_DIR/sbom.json}
mkdir -p "$(dirname "$file")"
"$here/tool.sh" sbom cyclonedx-py requirements --output-reproducible --of JSON -o "$file" \
  "$top/requirements.txt" || fail "cyclonedx-bom could not write $file"
"${CELLAR_PYTHON:-python3}" "$here/npm_packages.py" "$file"
say "$file: $(grep -c '"purl"' "$file") packages"
