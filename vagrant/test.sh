#!/usr/bin/env bash
# Tests on real daemons, from a bare machine; leaves no container, process or volume behind, or fails.   test.sh TARGET…
. "$(dirname "$0")/settings.sh"

(($#)) || fail "Say which targets of the Makefile to run: test.sh lint unit integration"
export CELLAR_DIR=$CELLAR_DIR/test
mkdir -p "$CELLAR_DIR"/{log,run}

# What the tests started or poured and did not end is a fault of theirs. What they wrote goes, unless it says why they failed.
leave_nothing() {
  local code=$?
  trap - EXIT
  if [[ -n ${CELLAR_TEST_RUN:-} ]]; then
    "$bin/python" "$here/left_over.py" look "$CELLAR_TEST_RUN" 20 || code=1
    if ((code)); then say "What the tests wrote is in $CELLAR_TEST_RUN."; else rm -rf --one-file-system "$CELLAR_TEST_RUN"; fi
  fi
  # The network is shared with other copies on this engine: it goes only when nobody is on it.
  docker network rm saltcellar >/dev/null 2>&1 || true
  stop_process dockerd 60
  exit "$code"
}
trap leave_nothing EXIT

prepare test service,master,node,dev
step tools "$here/tool.sh" moto
# Where nothing keeps what it compiled (PYTHONDONTWRITEBYTECODE), each process would compile ours anew, for a second and more.
"$bin/python" -m compileall -q "$top/pillar_service"
run=$(mktemp -d /tmp/cellar-XXXXXX)
"$bin/python" "$here/left_over.py" note "$run"
# By its name what belongs to this run is found. Sockets need short paths.
export CELLAR_TEST_RUN=$run PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --basetemp=$run/t"
cd "$top"
make --no-print-directory "$@"
