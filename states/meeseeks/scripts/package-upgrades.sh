#!/bin/bash
# The packages that could be upgraded: `list` names them, `apply` upgrades them. Configuration files stay as they are.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
case ${1:-} in
list)
    apt-get --simulate --quiet upgrade | awk '/^Inst / {print $2, $3, "->", $4; n++} END {print n + 0, "packages"}' | sed 's![][(]!!g'
    ;;
apply)
    apt-get --quiet update
    apt-get --quiet --yes --option Dpkg::Options::=--force-confold --option Dpkg::Options::=--force-confdef upgrade
    ;;
*)
    echo "usage: package-upgrades.sh list|apply" >&2
    exit 2
    ;;
esac
