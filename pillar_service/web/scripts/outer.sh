#!/bin/sh
# Make this machine a node.    curl -fsS ADDRESS/enrol.sh | sh -s -- TOKEN [--name NAME] [--root DIR] [--new-key]
# Take all of it back off.     sh enrol.sh --reset [--root DIR] [--with-data]
#
# It installs Salt's minion in a Python environment of its own (opt/saltcellar), makes a key, brings its public half with the
# token to the service, writes what it is told to etc/saltcellar, and starts. All of that stands below --root (/), beside
# whatever Salt this machine may have. It may be run again: what is done already stays. Without systemd, or with --root, the
# node runs in the background, by opt/saltcellar/bin/saltcellar-node.
#
# CELLAR_ENROL_TOKEN   the token, instead of the first argument, which other users of this machine could read in the list of
#                      processes until this has begun                 CELLAR_ENROL_NAME, CELLAR_ENROL_ROOT  as --name, --root
# CELLAR_ENROL_PYTHON  a Python that has saltcellar[node] already: nothing is installed then
# PIP_INDEX_URL or PIP_FIND_LINKS: where pip finds saltcellar, if the service hands out no bundle of wheels. Nothing is
# taken from the public index unasked: whoever has that name there would be root here.
set -eu

script() {
  cat <<'SALTCELLAR'
@ENROL@
SALTCELLAR
}

# The token leaves the list of processes at once: the environment is for this user alone.
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

# All of it is read before any of it runs: a download that breaks off does nothing.
exec sh -c "$(script)" enrol.sh "$@"
