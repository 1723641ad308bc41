#!/usr/bin/env bash
# A tour: three accounts, five bots on two nodes, messages, Slack, an outage and its healing. Run again, it changes nothing.
. "$(dirname "$0")/demo-settings.sh"

make_place node node-2

told=$CELLAR_DIR/run/told
# Run each part of the story once: NAME COMMAND…
part() {
  [[ -e $told/$1 ]] || step "$@"
  mkdir -p "$told"
  touch "$told/$1"
}

say "A tour of Saltcellar in $CELLAR_DIR"
prepare up
need_node "$CELLAR_NODE" node
need_node "$CELLAR_NODE_2" node-2
step slack "$demo/slack.sh"
step service "$here/service.sh"
step salt "$here/salt.sh"
step node-2 "$demo/node-2.sh"
step chat "$here/chat.sh"
step people "$bin/python" "$demo/people.py"
step bots "$bin/python" "$demo/bots.py"
part traffic "$bin/python" "$demo/traffic.py"
part talk "$bin/python" "$demo/talk.py"
part outage "$demo/outage.sh"
say
"$bin/python" "$demo/tour.py"
