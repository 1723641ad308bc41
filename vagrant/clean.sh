#!/usr/bin/env bash
# Stop everything that `make up` or `make demo` started here, and delete it: accounts, bots, keys, logs.   clean.sh
. "$(dirname "$0")/settings.sh"
. "$here/stopping.sh"

remove_bots() {
  # Without systemd, `make down` stopped the engine, too.
  "$here/docker.sh" >/dev/null || fail "The bots' containers can't be removed without Docker: see above, then run 'make clean' again"
  containers -aq | xargs -r docker rm -fv >/dev/null 2>&1 || true
  [[ -z $(containers -aq) ]] || fail "Docker did not remove $(containers -aq | xargs): 'docker rm -f' says why; then run 'make clean' again"
  # The network is shared by every copy on this engine: it can be removed only after its last container.
  docker network rm saltcellar >/dev/null 2>&1 || true
}

[[ -d $CELLAR_DIR ]] || {
  say "There is nothing in $CELLAR_DIR."
  exit
}
# A folder that was named by mistake must not be deleted.
[[ $CELLAR_DIR == "$top/.cellar" || -e $CELLAR_DIR/run/up.lock && -d $CELLAR_DIR/log || -d $CELLAR_DIR/demo ]] ||
  fail "$CELLAR_DIR was not made by 'make up', and stays as it is: is CELLAR_DIR right? If it is, remove that folder by hand"
# A tour in the same folder is removed first, with its processes.
[[ ! -d $CELLAR_DIR/demo ]] || CELLAR_DIR=$CELLAR_DIR/demo "$here/clean.sh"
take_turn
# Processes are stopped before bots are removed: a node that still works would pour another bot meanwhile.
stop_processes
if compgen -G "$CELLAR_DIR/node*/bots/*" >/dev/null; then remove_bots; fi
stop_engine
rm -rf --one-file-system "$CELLAR_DIR"
say "Forgotten: $CELLAR_DIR is gone. The images stay; 'docker image rm' removes them."
if [[ $CELLAR_DATABASE != sqlite:* ]]; then
  database=${CELLAR_DATABASE##*[@/]}
  say "The PostgreSQL database ${database%%\?*} stays as it is, but the keys of its accounts and bots are gone: drop it and make an"
  say "empty one (dropdb, createdb) before the next 'make up'."
fi
