#!/usr/bin/env bash
# Show each process and each bot; exit code 0 only if all live.   status.sh
. "$(dirname "$0")/settings.sh"

code=0
for name in "${processes[@]}"; do
  if is_up "$name"; then
    printf '  %-10s running   pid %s\n' "$name" "$(cat "$CELLAR_DIR/run/$name.pid")"
  else
    printf '  %-10s not running\n' "$name"
    code=1
  fi
done
if version=$(docker version --format '{{.Server.Version}}' 2>/dev/null); then
  printf '  %-10s running   %s\n' docker "$version"
else
  printf '  %-10s not running\n' docker
  code=1
fi
if ! is_up private; then
  say "  The service is down, so the bots' states are not known: run 'make up'."
  exit 1
fi
"$bin/salt-run" -c "$salt_etc" bots.list --out=json 2>/dev/null | "$bin/python" "$here/show_bots.py" || code=1
exit $code
