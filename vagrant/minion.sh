# A minion of this machine, which knows the master's key beforehand, and the master the minion's. Sourced; needs settings.sh.
# shellcheck shell=bash disable=SC2154  # settings.sh sets them

keys=$salt_etc/pki

# Configure and start a minion: PROCESS ID CONFIGURATION DATA. PROCESS also names folders; the first minion's is "minion".
start_minion() {
  local process=$1 id=$2 etc=$3 data=$4
  mkdir -p "$etc" "$keys/$process" "$CELLAR_DIR/cache/$process" "$data/machines"
  write_minion "$@"
  # The shipped machines; what the node's operator changed there stays.
  cp --no-clobber "$top"/salt/machines/*.yaml "$data/machines/"
  cp "$keys/master/saltcellar.pub" "$keys/$process/minion_master.pub"
  # A minion whose start was interrupted waits, because its request to be let in was not accepted; Salt looks at that request
  # before the accepted key.
  is_ready "$process" || stop_process "$process"
  start_process "$process" "$bin/python" "$bin/salt-minion" -c "$etc"
  wait_started "$process" "The minion $id made no key" test -s "$keys/$process/minion.pub"
  cp "$keys/$process/minion.pub" "$keys/master/minions/$id"
  rm -f "$keys/master/minions_pre/$id"
  "$bin/python" -m pillar_service.web node-key "$id" "$keys/$process/minion.pub"
  wait_started "master $process" "The minion $id did not answer" pings "$id"
  wait_started "master $process" "The minion $id did not take what the master serves" syncs "$id"
  cp "$CELLAR_DIR/run/$process.began" "$CELLAR_DIR/run/$process.ready"
}

# Whether the process runs and `start_minion` was finished for it; if it was interrupted, it has to be done again.
is_ready() { is_up "$1" && cmp -s "$CELLAR_DIR/run/$1.began" "$CELLAR_DIR/run/$1.ready"; }

write_minion() {
  local process=$1 id=$2 etc=$3 data=$4
  cat >"$etc/minion" <<CONFIG
# Written by vagrant/minion.sh: what differs from node to node. What never varies stands in salt/minion.d.
include: $top/salt/minion.d/*.conf
id: $id
user: root
master: 127.0.0.1
publish_port: $CELLAR_PUBLISH_PORT
master_port: $CELLAR_RETURN_PORT
pki_dir: $keys/$process
cachedir: $CELLAR_DIR/cache/$process
sock_dir: $CELLAR_DIR/run/salt-$process
pidfile: $CELLAR_DIR/run/salt-$process.pid
log_file: $CELLAR_DIR/log/salt/$process
saltcellar: {data: $data${CELLAR_BASE:+, base_image: $CELLAR_BASE}}
CONFIG
}

# On a busy machine this takes longer than the five seconds that Salt waits by default.
syncs() { timeout 110 "$bin/salt" -c "$salt_etc" "$1" saltutil.sync_all --out=json -t 90; }
pings() { test_ping "$1" | grep -q True; }
# Ping a minion through the master, which may hang.
test_ping() { timeout 45 "$bin/salt" -c "$salt_etc" "$1" test.ping --out=txt -t 5; }
