#!/usr/bin/env bash
# Build the pub image.
# Usage: pub-image.sh [TAG]    TAG: image name and tag, default saltcellar/pub:<version in package.json>
# Settings: BASE and NODE_EXTRA_CA_CERTS (see image-build.sh), SALTCELLAR_LOG_DIR (default /var/log/saltcellar)
set -euo pipefail
# The modes of files in the image must not depend on who builds it.
umask 022

# With CDPATH, cd would print where it goes, into the output that is read here.
unset CDPATH
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly source_dir=$here/../states/pubs/image
readonly log_dir=${SALTCELLAR_LOG_DIR:-/var/log/saltcellar}
readonly log=$log_dir/pub-image.log

say() { printf 'pub-image: %s\n' "$*"; }
fail() {
  printf 'pub-image: %s\n' "$*" >&2
  exit 1
}
. "$here/image-build.sh"

built_already() {
  [[ $(docker image inspect --format '{{index .Config.Labels "saltcellar.source"}}' "$tag" 2>/dev/null) == "$source_sum" ]]
}

[[ $# -le 1 ]] || fail "usage: pub-image.sh [TAG]"
need_engine
version=$(pub_version)
readonly version
readonly tag=${1:-saltcellar/pub:$version}
# The sources of the image; listed, so that other files beside them change nothing.
mapfile -t files < <(cd "$source_dir" && find Dockerfile package.json package-lock.json start.js plugin/*.js | LC_ALL=C sort)
source_sum=$(fingerprint "$source_dir" "${files[@]}")
readonly source_sum
if built_already; then
  say "$tag is there already"
  exit 0
fi

mkdir -p "$log_dir" || fail "$log_dir cannot be made: set SALTCELLAR_LOG_DIR to a directory that you may write"
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
prepare_context "$source_dir" "$context" "${files[@]}"
say "building $tag"
superseded=$(docker image inspect --format '{{.Id}}' "$tag" 2>/dev/null) || true
build_image "$tag" "$context" "$log" --build-arg "VERSION=$version" --build-arg "SOURCE=$source_sum"
# Docker refuses to remove an image that a container uses or that has another tag.
if [[ -n $superseded ]]; then docker image rm "$superseded" >>"$log" 2>&1 || true; fi
say "$tag is ready"
