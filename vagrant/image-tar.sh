#!/usr/bin/env bash
# Pack the pub's image for nodes that lack it, from this machine's engine into FILE (default: pub-image.tar.gz in CELLAR_DIR).
# It fits nodes with this machine's processor. Name the file in CELLAR_PUB_IMAGE_TAR.      image-tar.sh [FILE]
. "$(dirname "$0")/settings.sh"
. "$here/image-build.sh"

file=${1:-$CELLAR_DIR/pub-image.tar.gz}
version=$(pub_version)
tag=${CELLAR_PUB_IMAGE:-saltcellar/pub:$version}
id=$(docker image inspect --format '{{.Id}}' "$tag" 2>/dev/null) ||
  fail "The image $tag is not on this machine's Docker engine: make it with vagrant/pub-image.sh, or pull it"

told() { say "$file: $tag, $(($(stat -c %s "$file") / 1000000)) MB"; }
if [[ -s $file && $(cat "$file.of" 2>/dev/null) == "$tag $id" ]]; then
  told
  exit
fi

mkdir -p "$(dirname "$file")"
work=$(mktemp -d "$file.XXXXXX")
trap 'rm -rf "$work" "$file.part"' EXIT
docker save "$tag" | tar -xf - -C "$work" || fail "Docker could not save the image $tag"
# The image's description comes first, where the service reads it. The same image gives the same bytes, and so the same sum.
configuration=$(sed -n 's/^\[{"Config":"\([^"]*\)".*/\1/p' "$work/manifest.json")
(
  cd "$work"
  printf '%s\n' manifest.json "$configuration"
  find . ! -type d ! -path ./manifest.json ! -path "./$configuration" | LC_ALL=C sort
) | tar -C "$work" --no-recursion --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='u+rw,go+r' -c -T - | gzip -n -3 >"$file.part"
chmod 644 "$file.part"
mv "$file.part" "$file"
say "$tag $id" >"$file.of"
told
