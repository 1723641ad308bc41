#!/usr/bin/env bash
# Start the Docker engine if none answers.   docker.sh
. "$(dirname "$0")/settings.sh"

answers() { docker version --format '{{.Server.Version}}'; }

if answers >/dev/null 2>&1; then
  say "engine $(answers) answers"
  exit
fi
command -v dockerd >/dev/null || fail "There is no Docker engine: apt-get install docker.io"
if [[ -d /run/systemd/system ]]; then
  systemctl start docker
else
  start_process dockerd "$(command -v dockerd)"
fi
wait_for 30 answers || fail "dockerd did not answer within 30 s: read $CELLAR_DIR/log/dockerd.out"
say "engine $(answers) started"
