#!/usr/bin/env bash
# Stop what `make up` or `make demo` started here, and nothing else; all data is kept.   down.sh
. "$(dirname "$0")/settings.sh"
. "$here/stopping.sh"

[[ -d $CELLAR_DIR ]] || {
  say "There is nothing in $CELLAR_DIR."
  exit
}
take_turn
stop_processes
stop_bots
stop_engine
say "Stopped. The data is kept in $CELLAR_DIR; 'make up' brings it back, 'make clean' forgets it."
