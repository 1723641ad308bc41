# What building an image needs: the engine, the site's certificates, proxies, the pub's version. Sourced; needs fail().
# shellcheck shell=bash
#
# BASE                 the base image (default: what base-image.sh makes)
# NODE_EXTRA_CA_CERTS  the site's certificates for npm (default: the machine's own bundle)

readonly machine_ca=/etc/ssl/certs/ca-certificates.crt
readonly base=${BASE:-saltcellar/base:bookworm}

need_engine() {
  command -v docker >/dev/null || fail "docker is not installed: apt-get install docker.io"
  docker version >/dev/null 2>&1 || fail "the Docker engine does not answer: start it (systemctl start docker)"
}

# The version of the pub's image, from its package.json.
pub_version() {
  local sources version
  sources=$(dirname "${BASH_SOURCE[0]}")/../states/pubs/image/package.json
  version=$(sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$sources" | head -n 1)
  [[ -n $version ]] || fail "$sources has no version"
  printf '%s' "$version"
}

# The checksum of the sources of an image and of its base's name: DIRECTORY FILE…
fingerprint() {
  {
    printf 'base %s\n' "$base"
    (cd "$1" && sha256sum "${@:2}")
  } | sha256sum | cut -d' ' -f1
}

# Copy the sources of an image and the site's certificates into a context, so that the certificates are never in the tree:
# DIRECTORY CONTEXT FILE…
prepare_context() {
  local ca=${NODE_EXTRA_CA_CERTS:-$machine_ca}
  (cd "$1" && cp --parents -t "$2" "${@:3}")
  if [[ -r $ca ]]; then cp "$ca" "$2/build-ca.pem"; else : >"$2/build-ca.pem"; fi
}

# docker build: TAG CONTEXT LOG OPTION…
build_image() {
  local proxy
  local -a options=("${@:4}" --build-arg "BASE=$base")
  [[ -n ${BASE:-} ]] || "$(dirname "${BASH_SOURCE[0]}")/base-image.sh" || fail "the base image could not be made"
  # Docker knows these names: they reach apt and npm in the build, and are not kept in the image.
  for proxy in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    if [[ -n ${!proxy:-} ]]; then options+=(--build-arg "$proxy"); fi
  done
  DOCKER_BUILDKIT=0 docker build --force-rm --tag "$1" "${options[@]}" "$2" >"$3" 2>&1 ||
    fail "docker build failed: see $3"
}
