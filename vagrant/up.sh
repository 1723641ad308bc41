#!/usr/bin/env bash
# One pub, alive, on this machine. Run again, it changes nothing.   up.sh
. "$(dirname "$0")/settings.sh"

((EUID == 0)) || fail "make up installs packages and starts daemons: run it as root"
((${#CELLAR_DIR} <= 70)) || fail "CELLAR_DIR ($CELLAR_DIR) is too long for Salt's sockets: set it to a path of at most 70 characters"
umask 077
mkdir -p "$CELLAR_DIR"/{log,run,secrets,service,node,etc}
# Commands of the catalogue run as somebody else, who must be able to pass.
chmod 711 "$CELLAR_DIR" "$CELLAR_DIR/node"
take_turn

say "Saltcellar in $CELLAR_DIR"
step packages "$here/packages.sh" up
step python "$here/python.sh"
step docker "$here/docker.sh"
[[ -n ${CELLAR_BASE:-} ]] || step base-image "$here/base-image.sh"
step pub-image env ${CELLAR_BASE:+BASE="$CELLAR_BASE"} "$here/pub-image.sh"
step assets env ${CELLAR_BASE:+BASE="$CELLAR_BASE"} "$here/assets.sh"
step service "$here/service.sh"
step salt "$here/salt.sh"
[[ ${processes[*]} != *chat* ]] || step chat "$here/chat.sh"
step pub "$bin/python" "$here/first_pub.py"
say
cat "$CELLAR_DIR/secrets/welcome"
