#!/usr/bin/env bash
# Start the part of chat that is no web server: it receives by Socket Mode, and sends our messages to Slack.   chat.sh
. "$(dirname "$0")/settings.sh"

if is_up chat; then
  say "running"
  exit
fi
start_process chat "$bin/python" -m pillar_service.chatops
sleep 2
is_up chat || fail "Chat ended at once ($(last_line "$CELLAR_DIR/log/chat.out")): read $CELLAR_DIR/log/chat.out"
say "started"
