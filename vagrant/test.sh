#!/usr/bin/env bash
# Every test, on real daemons, from a bare machine; leaves no container, process or volume behind.   test.sh
. "$(dirname "$0")/settings.sh"

export CELLAR_DIR=$CELLAR_DIR/test
mkdir -p "$CELLAR_DIR"/{log,run}
stop_engine() { is_up dockerd && stop_process dockerd 60; }
trap stop_engine EXIT

step packages "$here/packages.sh" test
step python "$here/python.sh" service,master,node,dev
step docker "$here/docker.sh"
[[ -n ${CELLAR_BASE:-} ]] || step base-image "$here/base-image.sh"
step pub-image env ${CELLAR_BASE:+BASE="$CELLAR_BASE"} "$here/pub-image.sh"
cd "$top"
make --no-print-directory lint unit integration
