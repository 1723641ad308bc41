#!/usr/bin/env bash
# Run tests on real daemons, from a bare machine; fails if they leave a container, process or volume behind.   test.sh TARGET…
. "$(dirname "$0")/settings.sh"

(($#)) || fail "Say which targets of the Makefile to run: test.sh lint unit integration"
export CELLAR_DIR=$CELLAR_DIR/test
mkdir -p "$CELLAR_DIR"/{log,run}

# It is a fault of the tests if they did not end what they started or poured. Their files are kept only if the tests failed.
leave_nothing() {
  local code=$?
  trap - EXIT
  if [[ -n ${CELLAR_TEST_RUN:-} ]]; then
    "$bin/python" "$here/left_over.py" look "$CELLAR_TEST_RUN" 20 || code=1
    if ((code)); then say "What the tests wrote is in $CELLAR_TEST_RUN."; else rm -rf --one-file-system "$CELLAR_TEST_RUN"; fi
  fi
  # The network is shared with other copies on this engine: Docker removes it only if nobody uses it.
  docker network rm saltcellar >/dev/null 2>&1 || true
  stop_process dockerd 60
  exit "$code"
}
trap leave_nothing EXIT

prepare test service,master,node,dev
step tools "$here/tool.sh" moto
# With PYTHONDONTWRITEBYTECODE, each process would compile our code anew, which takes a second and more.
"$bin/python" -m compileall -q "$top/pillar_service"
run=$(mktemp -d /tmp/cellar-XXXXXX)
"$bin/python" "$here/left_over.py" note "$run"
# This folder's name marks what belongs to this run. It is short because sockets need short paths.
export CELLAR_TEST_RUN=$run PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --basetemp=$run/t"
cd "$top"
make --no-print-directory "$@"
