# Functions that stop what runs here. Sourced by down.sh and clean.sh; needs settings.sh.
# shellcheck shell=bash

stop_processes() {
  local name
  for name in chat slack minion-2 minion master private public; do
    is_up "$name" || continue
    stop_process "$name"
    say "  stopped $name"
  done
}

# List the containers of this place's bots: OPTION of docker ps.
containers() {
  local bot
  for bot in "$CELLAR_DIR"/node*/bots/*/; do
    [[ ! -d $bot ]] || docker ps "$1" --filter "label=saltcellar.bot=$(basename "$bot")"
  done
}

# A container that has gone by itself does not keep the others from being stopped.
stop_bots() {
  local container host
  docker version >/dev/null 2>&1 || return 0
  for container in $(containers -q); do
    host=$(docker inspect --format '{{index .Config.Labels "saltcellar.host"}}' "$container" 2>/dev/null) || continue
    if docker stop "$container" >/dev/null 2>&1; then
      say "  stopped bot $host"
    else
      say "  bot $host was not stopped: it is gone already, or 'docker stop $container' says why"
    fi
  done
}

stop_engine() {
  is_up dockerd || return 0
  stop_process dockerd 60
  say "  stopped dockerd"
}
