#!/usr/bin/env bash
# Start the second node: another minion on this machine, with its own data.   node-2.sh
. "$(dirname "$0")/../demo-settings.sh"
# shellcheck source=../minion.sh
. "$here/minion.sh"

if is_ready minion-2; then
  say "minion $CELLAR_NODE_2: running"
  exit
fi
"$bin/python" -m pillar_service.web node-add "$CELLAR_NODE_2" --ports "$CELLAR_BOT_PORTS_2"
start_minion minion-2 "$CELLAR_NODE_2" "$CELLAR_DIR/etc/salt-2" "$CELLAR_DIR/node-2"
say "minion $CELLAR_NODE_2: started"
