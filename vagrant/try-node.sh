#!/usr/bin/env bash
# Enrol this machine as a node of a control plane made by try-plane.sh.   try-node.sh DOMAIN ADDRESS AUTHORITY
# The token is in CELLAR_ENROL_TOKEN. ADDRESS: the control plane's; AUTHORITY: the file with the certificate of its authority.
# It runs the place's own enrol.sh.
. "$(dirname "$0")/settings.sh"

[[ $# == 3 && -n ${CELLAR_ENROL_TOKEN:-} ]] || fail "usage: CELLAR_ENROL_TOKEN=TOKEN try-node.sh DOMAIN ADDRESS AUTHORITY"
"$here/packages.sh" node
grep -q " $1\$" /etc/hosts || say "$2 $1" >>/etc/hosts
install -m 644 "$3" /usr/local/share/ca-certificates/saltcellar-try.crt
update-ca-certificates
curl -fsS --connect-timeout 10 -m 60 "https://$1/enrol.sh" | sh
