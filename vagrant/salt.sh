#!/usr/bin/env bash
# Configure and start a salt-master and this machine's minion; each knows the other's key beforehand.   salt.sh
. "$(dirname "$0")/settings.sh"
. "$here/minion.sh"

mkdir -p "$salt_etc" "$keys/master/minions" "$CELLAR_DIR"/{log/salt,run/salt,cache/master}
# These hold pillars, returns and sessions, and Salt would let everybody read them.
chmod 700 "$keys/master" "$CELLAR_DIR"/{run/salt,cache/master}

write_master() {
  cat >"$salt_etc/master" <<CONFIG
# Written by vagrant/salt.sh: what differs from copy to copy. What never varies stands in salt/master.d.
include: $top/salt/master.d/*.conf
user: root
interface: 127.0.0.1
publish_port: $CELLAR_PUBLISH_PORT
ret_port: $CELLAR_RETURN_PORT
pki_dir: $keys/master
cachedir: $CELLAR_DIR/cache/master
sock_dir: $CELLAR_DIR/run/salt
pidfile: $CELLAR_DIR/run/salt-master.pid
log_file: $CELLAR_DIR/log/salt/master
key_logfile: $CELLAR_DIR/log/salt/key
file_roots: {base: [$top/states]}
pillar_roots: {base: []}
runner_dirs: [$top/runners]
saltcellar: {url: '$private_url', token_file: $CELLAR_DIR/secrets/master-token}
ext_pillar:
  - http_json:
      url: $private_url/pillar/%s
      token_file: $CELLAR_DIR/secrets/master-token
      timeout: 2
      last_known_good: {max_age: 86400}
engines:
  - dispatcher: {url: '$private_url', token_file: $CELLAR_DIR/secrets/master-token, name: $CELLAR_NODE-master}
CONFIG
}

if is_up master && is_ready minion; then
  say "salt-master and minion $CELLAR_NODE: running"
  exit
fi
need_port master "$CELLAR_PUBLISH_PORT" CELLAR_PUBLISH_PORT
need_port master "$CELLAR_RETURN_PORT" CELLAR_RETURN_PORT
write_master
# A place, or its backup, from before the keys had this name: without this, Salt would make new ones.
if [[ ! -e $keys/master/saltcellar.pem && -s $keys/master/master.pem ]]; then
  for half in pub pem; do install -m 400 "$keys/master/master.$half" "$keys/master/saltcellar.$half"; done
fi
start_process master "$bin/python" "$bin/salt-master" -c "$salt_etc"
wait_started master "salt-master made no key" test -s "$keys/master/saltcellar.pub"
start_minion minion "$CELLAR_NODE" "$salt_etc" "$CELLAR_DIR/node"
say "salt-master and minion $CELLAR_NODE: started"
