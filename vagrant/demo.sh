#!/usr/bin/env bash
# A tour: three accounts, five bots on two nodes, messages, Slack, an outage and its healing. Run again, it changes nothing.
. "$(dirname "$0")/demo-settings.sh"

((EUID == 0)) || fail "make demo installs packages and starts daemons: run it as root"
((${#CELLAR_DIR} <= 70)) || fail "CELLAR_DIR ($CELLAR_DIR) is too long for Salt's sockets: set it to a path of at most 70 characters"
mkdir -p "$CELLAR_DIR"
umask 077
mkdir -p "$CELLAR_DIR"/{log,run,secrets,service,node,node-2,etc}
# Commands of the catalogue run as somebody else, who must be able to pass.
chmod 711 "$CELLAR_DIR" "$CELLAR_DIR"/node{,-2}
take_turn

told=$CELLAR_DIR/run/told
# Each part of the story is told once: NAME COMMAND…
part() {
  [[ -e $told/$1 ]] || step "$@"
  mkdir -p "$told"
  touch "$told/$1"
}

say "A tour of Saltcellar in $CELLAR_DIR"
step packages "$here/packages.sh" up
step python "$here/python.sh"
step docker "$here/docker.sh"
[[ -n ${CELLAR_BASE:-} ]] || step base-image "$here/base-image.sh"
step pub-image env ${CELLAR_BASE:+BASE="$CELLAR_BASE"} "$here/pub-image.sh"
step assets env ${CELLAR_BASE:+BASE="$CELLAR_BASE"} "$here/assets.sh"
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
