#!/usr/bin/env bash
# Make the base image of the pubs from Debian's own packages, for machines that reach no image registry.
# Usage: base-image.sh [NAME]    NAME: image name and tag, default saltcellar/base:bookworm
# With a registry, build the pub on Debian's image instead: BASE=debian:bookworm-slim pub-image.sh
# Settings: SALTCELLAR_MIRROR (Debian mirror, default: the machine's own), SALTCELLAR_LOG_DIR (default /var/log/saltcellar)
set -euo pipefail
# The modes of files in the image must not depend on who builds it.
umask 022

readonly name=${1:-saltcellar/base:bookworm}
readonly suite=bookworm
readonly log_dir=${SALTCELLAR_LOG_DIR:-/var/log/saltcellar}
readonly log=$log_dir/base-image.log

say() { printf 'base-image: %s\n' "$*"; }
fail() {
  printf 'base-image: %s\n' "$*" >&2
  exit 1
}
. "$(dirname "${BASH_SOURCE[0]}")/image-build.sh"
logged() { "$@" >>"$log" 2>&1; }

# The mirror that this machine's apt uses, so that a site's own mirror serves the images, too. Plain http only: the
# base image has no certificates; apt checks Debian's signatures.
machine_mirror() {
  local found
  # shellcheck disable=SC2016  # the dollars are for apt-get
  found=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Identifier: Packages' 2>/dev/null |
    awk -v suite="$suite" '$2 == suite && $1 ~ /^http:/ { print $1; exit }') || true
  printf '%s' "${found%/}"
}

install_debootstrap() {
  command -v debootstrap >/dev/null && return
  say "installing debootstrap"
  logged apt-get update || fail "apt-get update failed: see $log"
  logged env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends debootstrap ||
    fail "debootstrap could not be installed: see $log"
}

# debootstrap fetches with wget, which does not read apt's proxy.
export_apt_proxy() {
  local proxy
  proxy=$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null) || true
  if [[ -n $proxy && $proxy != DIRECT && -z ${http_proxy:-} ]]; then export http_proxy=$proxy; fi
}

# debootstrap writes the mirror that it used; add updates and security fixes from the same mirror.
write_sources() {
  local list=$1/etc/apt/sources.list mirror
  mirror=$(awk '$1 == "deb" { print $2; exit }' "$list")
  printf 'deb %s %s main\ndeb %s %s-updates main\ndeb %s-security %s-security main\n' \
    "$mirror" "$suite" "$mirror" "$suite" "$mirror" "$suite" >"$list"
}

[[ $# -le 1 ]] || fail "usage: base-image.sh [NAME]"
need_engine
if docker image inspect "$name" >/dev/null 2>&1; then
  say "$name is there already"
  exit 0
fi
[[ $EUID -eq 0 ]] || fail "must run as root: debootstrap makes a root file system"

mkdir -p "$log_dir" || fail "$log_dir cannot be made: set SALTCELLAR_LOG_DIR to a directory that you may write"
: >"$log"
install_debootstrap
export_apt_proxy
mirror=${SALTCELLAR_MIRROR:-$(machine_mirror)}
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

say "fetching Debian $suite${mirror:+ from $mirror}"
logged debootstrap --variant=minbase "$suite" "$work/root" ${mirror:+"$mirror"} || fail "debootstrap failed: see $log"
write_sources "$work/root"
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/* "$work"/root/var/log/*
rm -rf "$work"/root/usr/share/{doc,man,info,locale}/*

say "importing $name"
tar -C "$work/root" --numeric-owner -c . 2>>"$log" | docker import - "$name" >>"$log" 2>&1 ||
  fail "docker import failed: see $log"
say "$name is ready"
