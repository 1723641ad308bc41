#!/usr/bin/env bash
# Tests on real daemons, from a bare machine; leaves no container, process or volume behind.   test.sh TARGET…
. "$(dirname "$0")/settings.sh"

(($#)) || fail "Say which targets of the Makefile to run: test.sh lint unit integration"
export CELLAR_DIR=$CELLAR_DIR/test
mkdir -p "$CELLAR_DIR"/{log,run}
# The network is shared with other copies on this engine: it goes only when nobody is on it.
leave_nothing() {
  docker network rm saltcellar >/dev/null 2>&1 || true
  stop_process dockerd 60
}
trap leave_nothing EXIT

prepare test service,master,node,dev
step tools "$here/tool.sh" moto
cd "$top"
make --no-print-directory "$@"
