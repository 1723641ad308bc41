#!/usr/bin/env bash
# Make a release: what vagrant/bootstrap.sh needs, with the files that pages load, the pub's image and all wheels, so that a new
# control plane needs no index, and its nodes build no image.
# It fits machines with this one's Python and processor.   release.sh [FILE]   (default: saltcellar-VERSION.tar.gz in CELLAR_DIR)
. "$(dirname "$0")/settings.sh"

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$top/pillar_service/__init__.py")
file=${1:-$CELLAR_DIR/saltcellar-$version.tar.gz}
[[ -e $top/pillar_service/web/static/vendor/.made ]] || fail "What the pages load is missing: run vagrant/assets.sh, then this again"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/saltcellar-$version" "$(dirname "$file")"
cd "$top"
# Besides git's own files, only those that pages load: stray files never get into a release.
{
  git ls-files -z -- . ':!tests' ':!bench' ':!docs/screenshots' ':!.ci'
  find pillar_service/web/static/vendor -type f -print0
} | tar --null -T - -c | tar -C "$work/saltcellar-$version" -x
# Installing from these wheels alone needs what builds our own package, too.
pins >"$work/pins.txt"
"$bin/pip" wheel -q -w "$work/saltcellar-$version/wheels" -c "$work/pins.txt" "${top}[service,master,node]" 'setuptools>=77' wheel ||
  fail "pip could not gather the wheels"
"$here/pub-image.sh" || fail "The pub's image could not be made"
CELLAR_PUB_IMAGE='' "$here/image-tar.sh" "$work/saltcellar-$version/pub-image.tar.gz"
rm "$work/saltcellar-$version/pub-image.tar.gz.of"
tar -czf "$file.part" --owner=0 --group=0 -C "$work" "saltcellar-$version"
mv "$file.part" "$file"
say "$file: $(find "$work" -name '*.whl' | wc -l) wheels, SHA-256 $(sha256sum "$file" | cut -d' ' -f1)"
