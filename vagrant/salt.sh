#!/usr/bin/env bash
# Configure and start a salt-master and this machine's minion, each knowing the other's key beforehand.   salt.sh
. "$(dirname "$0")/settings.sh"

keys=$salt_etc/pki
mkdir -p "$salt_etc" "$keys"/{master/minions,minion} "$CELLAR_DIR"/{log/salt,run/salt,cache/master,cache/minion,node}

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

write_minion() {
  cat >"$salt_etc/minion" <<CONFIG
# Written by vagrant/salt.sh: what differs from node to node. What never varies stands in salt/minion.d.
include: $top/salt/minion.d/*.conf
id: $CELLAR_NODE
user: root
master: 127.0.0.1
publish_port: $CELLAR_PUBLISH_PORT
master_port: $CELLAR_RETURN_PORT
pki_dir: $keys/minion
cachedir: $CELLAR_DIR/cache/minion
sock_dir: $CELLAR_DIR/run/salt-minion
pidfile: $CELLAR_DIR/run/salt-minion.pid
log_file: $CELLAR_DIR/log/salt/minion
saltcellar: {data: $CELLAR_DIR/node}
CONFIG
}

# Each side is handed the other's public key, so nothing is ever accepted on sight.
exchange_keys() {
  wait_for 30 test -s "$keys/master/master.pub" || fail "salt-master made no key within 30 s: read $CELLAR_DIR/log/master.out"
  cp "$keys/master/master.pub" "$keys/minion/minion_master.pub"
  start_process minion "$bin/python" "$bin/salt-minion" -c "$salt_etc"
  wait_for 30 test -s "$keys/minion/minion.pub" || fail "The minion made no key within 30 s: read $CELLAR_DIR/log/minion.out"
  cp "$keys/minion/minion.pub" "$keys/master/minions/$CELLAR_NODE"
  "$bin/python" -m pillar_service.web node-key "$CELLAR_NODE" "$keys/minion/minion.pub"
}

pings() { "$bin/salt" -c "$salt_etc" "$CELLAR_NODE" test.ping --out=txt -t 5 | grep -q True; }

if is_up master && is_up minion; then
  say "salt-master and minion $CELLAR_NODE: running"
  exit
fi
need_port master "$CELLAR_PUBLISH_PORT" CELLAR_PUBLISH_PORT
need_port master "$CELLAR_RETURN_PORT" CELLAR_RETURN_PORT
write_master
write_minion
# The machines that come along; what the node's operator changed there stays.
mkdir -p "$CELLAR_DIR/node/machines"
cp --no-clobber "$top"/salt/machines/*.yaml "$CELLAR_DIR/node/machines/"
start_process master "$bin/python" "$bin/salt-master" -c "$salt_etc"
exchange_keys
wait_for 60 pings || fail "The minion did not answer within 60 s: read $CELLAR_DIR/log/salt/minion and master"
"$bin/salt" -c "$salt_etc" "$CELLAR_NODE" saltutil.sync_all --out=json
say "salt-master and minion $CELLAR_NODE: started"
