#!/usr/bin/env bash
# Build the pub image.
# Usage: pub-image.sh [TAG]    TAG: image name and tag, default saltcellar/pub:<version in package.json>
# Settings: BASE (base image, default: what base-image.sh makes), SALTCELLAR_LOG_DIR (default /var/log/saltcellar),
#           NODE_EXTRA_CA_CERTS (the site's certificates for npm, default: the machine's own bundle)
set -euo pipefail
# What stands in the image must not depend on who builds it.
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly source_dir=$here/../states/pubs/image
readonly log_dir=${SALTCELLAR_LOG_DIR:-/var/log/saltcellar}
readonly log=$log_dir/pub-image.log
readonly machine_ca=/etc/ssl/certs/ca-certificates.crt

say() { printf 'pub-image: %s\n' "$*"; }
fail() {
  printf 'pub-image: %s\n' "$*" >&2
  exit 1
}

# The files that make the image; listed, so that what lies about beside them changes nothing.
context_files() { (cd "$source_dir" && find Dockerfile package.json package-lock.json start.js plugin/*.js | LC_ALL=C sort); }

fingerprint() {
  {
    printf 'base %s\n' "$base"
    (cd "$source_dir" && context_files | xargs sha256sum)
  } | sha256sum | cut -d' ' -f1
}

built_already() {
  [[ $(docker image inspect --format '{{index .Config.Labels "saltcellar.source"}}' "$tag" 2>/dev/null) == "$source_sum" ]]
}

# The site's certificates go beside a copy of the sources, so that they are never left in the tree.
prepare_context() {
  (cd "$source_dir" && context_files | xargs cp --parents -t "$context")
  local ca=${NODE_EXTRA_CA_CERTS:-$machine_ca}
  if [[ -r $ca ]]; then cp "$ca" "$context/build-ca.pem"; else : >"$context/build-ca.pem"; fi
}

[[ $# -le 1 ]] || fail "usage: pub-image.sh [TAG]"
command -v docker >/dev/null || fail "docker is not installed: apt-get install docker.io"
docker version >/dev/null 2>&1 || fail "the Docker engine does not answer: start it (systemctl start docker)"
version=$(sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$source_dir/package.json" | head -n1)
[[ -n $version ]] || fail "$source_dir/package.json has no version"
readonly version
readonly tag=${1:-saltcellar/pub:$version}
readonly base=${BASE:-saltcellar/base:bookworm}
source_sum=$(fingerprint)
readonly source_sum
if built_already; then
  say "$tag is there already"
  exit 0
fi

mkdir -p "$log_dir" || fail "$log_dir cannot be made: set SALTCELLAR_LOG_DIR to a directory that you may write"
[[ -n ${BASE:-} ]] || "$here/base-image.sh" || fail "the base image could not be made"
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
prepare_context
# Docker knows these names: they reach apt and npm in the build and are not kept in the image.
proxies=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  if [[ -n ${!name:-} ]]; then proxies+=(--build-arg "$name"); fi
done
say "building $tag"
superseded=$(docker image inspect --format '{{.Id}}' "$tag" 2>/dev/null) || true
DOCKER_BUILDKIT=0 docker build --force-rm --tag "$tag" --build-arg "BASE=$base" --build-arg "VERSION=$version" \
  "${proxies[@]}" \
  --build-arg "SOURCE=$source_sum" "$context" >"$log" 2>&1 || fail "docker build failed: see $log"
# An image that a container still runs on, or that has another tag, stays: docker refuses to remove it.
if [[ -n $superseded ]]; then docker image rm "$superseded" >>"$log" 2>&1 || true; fi
say "$tag is ready"
