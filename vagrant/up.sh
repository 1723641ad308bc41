#!/usr/bin/env bash
# Bring one pub to life on this machine. Run again, it changes nothing.   up.sh
. "$(dirname "$0")/settings.sh"

make_place node
say "Saltcellar in $CELLAR_DIR"
prepare up
need_node "$CELLAR_NODE" node
step service "$here/service.sh"
step salt "$here/salt.sh"
[[ ${processes[*]} != *chat* ]] || step chat "$here/chat.sh"
step pub "$bin/python" "$here/first_pub.py"
say
cat "$CELLAR_DIR/secrets/welcome"
