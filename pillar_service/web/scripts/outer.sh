#!/bin/sh
# Make this machine a node.    curl -fsS ADDRESS/enrol.sh | sh -s -- TOKEN [--name NAME] [--root DIR] [--new-key]
# Remove the node again.       sh enrol.sh --reset [--root DIR] [--with-data]
#
# This installs Salt's minion in a Python environment of its own (opt/saltcellar), makes a key, sends its public half to the
# service with the token, writes the configuration that comes back to etc/saltcellar, and starts the node. All files are below
# --root (/), apart from any other Salt on this machine. The script may be run again: it skips what is done. Without systemd,
# or with --root, the node runs in the background, started by opt/saltcellar/bin/saltcellar-node.
#
# CELLAR_ENROL_TOKEN   the token, in place of the first argument, which other users of this machine could read in the list
#                      of processes until this script has begun
# CELLAR_ENROL_NAME, CELLAR_ENROL_ROOT   as --name, --root
# CELLAR_ENROL_PYTHON  a Python that has saltcellar[node] already: then nothing is installed
# PIP_INDEX_URL or PIP_FIND_LINKS: where pip finds saltcellar, if the service has no bundle of wheels. The public index is
# not used unless named here: whoever owns that name there would be root on this machine.
set -eu

script() {
  cat <<'SALTCELLAR'
@ENROL@
SALTCELLAR
}

# Move the token from the arguments, which all users can see, into the environment, which only this user can.
is_value=no
for word; do
  shift
  case $is_value$word in
    yes* | no-*) set -- "$@" "$word" ;;
    *) export CELLAR_ENROL_TOKEN="$word" ;;
  esac
  case $word in
    --name | --root) is_value=yes ;;
    *) is_value=no ;;
  esac
done

# The whole script is read before any of it runs, so a download that breaks off does nothing.
exec sh -c "$(script)" enrol.sh "$@"
