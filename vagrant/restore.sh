#!/usr/bin/env bash
# Put a lost control plane back from its backups, and start it.   restore.sh REPOSITORY PASSWORD_FILE [OPTION…]
# Options go to the service's own `restore`: --snapshot ID, --sftp-command COMMAND, --s3-file FILE.
# Settings: CELLAR_DIR has to be where it was. Bots on other nodes run on meanwhile, unaffected.
. "$(dirname "$0")/settings.sh"

[[ -n ${1:-} && -n ${2:-} ]] ||
  fail "Say from where: restore.sh REPOSITORY PASSWORD_FILE [OPTION…] (make restore FROM=… PASSWORD_FILE=… WITH=…)"
((EUID == 0)) || fail "A control plane's files have owners: run this as root"
umask 077
for name in "${processes[@]}"; do
  ! is_up "$name" || fail "The process $name of $CELLAR_DIR is running: this brings back a lost control plane, but never replaces a running one"
done
mkdir -p "$CELLAR_DIR/log"
take_turn

say "Saltcellar in $CELLAR_DIR, from $1"
command -v restic >/dev/null || step packages "$here/packages.sh" up
[[ -x $bin/python ]] || step python "$here/python.sh"
need_node "$CELLAR_NODE" node
step restore "$bin/python" -m pillar_service.web restore "$@"
step service "$here/service.sh"
step salt "$here/salt.sh"
[[ ${processes[*]} != *chat* ]] || step chat "$here/chat.sh"
