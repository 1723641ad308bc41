#!/usr/bin/env bash
# Stop everything that `make up` or `make demo` started here, and forget it: accounts, bots, keys, logs.   clean.sh
. "$(dirname "$0")/settings.sh"

[[ -d $CELLAR_DIR ]] || {
  say "There is nothing in $CELLAR_DIR."
  exit
}
# A tour that stands in the same place goes first, with its processes.
[[ ! -d $CELLAR_DIR/demo ]] || CELLAR_DIR=$CELLAR_DIR/demo "$here/clean.sh"
if compgen -G "$CELLAR_DIR/node*/bots" >/dev/null && ! docker version >/dev/null 2>&1; then
  fail "Docker does not answer, so the bots' containers can't be removed: start it, then run 'make clean' again"
fi
# A node that still works would pour another one meanwhile.
for name in minion-2 minion; do stop_process "$name"; done
if compgen -G "$CELLAR_DIR/node*/bots/*" >/dev/null; then
  for bot in "$CELLAR_DIR"/node*/bots/*/; do
    docker ps -aq --filter "label=saltcellar.bot=$(basename "$bot")" | xargs -r docker rm -fv >/dev/null
  done
  # The network is shared by every copy on this engine: it goes with its last container.
  docker network rm saltcellar >/dev/null 2>&1 || true
fi
"$here/down.sh"
rm -rf --one-file-system "$CELLAR_DIR"
say "Forgotten: $CELLAR_DIR is gone. The images stay; 'docker image rm' removes them."
