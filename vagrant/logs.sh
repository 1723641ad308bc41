#!/usr/bin/env bash
# Follow the logs of the service, Salt and the bots.   logs.sh
. "$(dirname "$0")/settings.sh"

shopt -s nullglob
logs=("$CELLAR_DIR"/log/*.log "$CELLAR_DIR"/log/*.out "$CELLAR_DIR"/log/salt/*)
((${#logs[@]})) || fail "There are no logs in $CELLAR_DIR/log: run 'make up' first"
exec tail -n "${LINES_EACH:-15}" -F "${logs[@]}"
