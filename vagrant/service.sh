#!/usr/bin/env bash
# Start the service's public and private apps, after making what they need before the first start.   service.sh
. "$(dirname "$0")/settings.sh"

if [[ ! -s $CELLAR_SECRET_KEY_FILE ]]; then
  "$bin/python" -c 'import secrets; print(secrets.token_urlsafe(48))' >"$CELLAR_SECRET_KEY_FILE"
fi
# All other commands read the key that this one makes.
bundle_key=$CELLAR_BUNDLE_KEY_FILE
[[ -s $bundle_key ]] || CELLAR_BUNDLE_KEY_FILE='' "$bin/python" -m pillar_service.web bundle-key "$bundle_key"

serve() { start_process "$1" "$bin/python" -m pillar_service.web serve "$1"; }
# Another program may answer on the same port: an answer counts only while our own processes live.
answer() { healthy "$private_url" && healthy "$public_url" && is_up public && is_up private; }

if answer >/dev/null 2>&1; then
  say "public $public_url, private $private_url: running"
  exit
fi
need_port public "$CELLAR_PUBLIC_PORT" CELLAR_PUBLIC_PORT
need_port private "$CELLAR_PRIVATE_PORT" CELLAR_PRIVATE_PORT
mkdir -p "$CELLAR_FILES"
manage() { "$bin/python" -m pillar_service.web "$@"; }
manage migrate
[[ -s $CELLAR_DIR/secrets/master-token ]] || manage master-token "$CELLAR_NODE-master" --file "$CELLAR_DIR/secrets/master-token"
manage node-add "$CELLAR_NODE" --ports "$CELLAR_BOT_PORTS"
serve public
serve private
wait_started "public private" "The service did not answer" answer
say "public $public_url, private $private_url"
