#!/usr/bin/env bash
# Stop what `make up` or `make demo` started here and nothing else; all data is kept.   down.sh
. "$(dirname "$0")/settings.sh"

for name in chat slack minion-2 minion master private public; do
  if is_up "$name"; then
    stop_process "$name"
    say "  stopped $name"
  fi
done
if docker version >/dev/null 2>&1; then
  for bot in "$CELLAR_DIR"/node*/bots/*/; do
    [[ -d $bot ]] || continue
    for container in $(docker ps -q --filter "label=saltcellar.bot=$(basename "$bot")"); do
      docker stop "$container" >/dev/null
      say "  stopped bot $(docker inspect --format '{{index .Config.Labels "saltcellar.host"}}' "$container")"
    done
  done
fi
if is_up dockerd; then
  stop_process dockerd 60
  say "  stopped dockerd"
fi
say "Stopped. The data is kept in $CELLAR_DIR; 'make up' brings it back, 'make clean' forgets it."
