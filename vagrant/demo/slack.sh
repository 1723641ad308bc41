#!/usr/bin/env bash
# Start the fake Slack, and the page on which one reads and writes in it.   slack.sh
. "$(dirname "$0")/../demo-settings.sh"

answers() { curl -fsS -m 3 "http://127.0.0.1:$CELLAR_DESK_PORT/" && is_up slack; }

need_port slack "$CELLAR_SLACK_PORT" CELLAR_SLACK_PORT
need_port slack "$CELLAR_DESK_PORT" CELLAR_DESK_PORT
start_process slack "$bin/python" "$demo/desk.py"
wait_for 20 answers || fail "The fake Slack did not start ($(last_line "$CELLAR_DIR/log/slack.out")): read $CELLAR_DIR/log/slack.out"
say "a fake Slack, to be read at http://127.0.0.1:$CELLAR_DESK_PORT"
