# The settings of a machine that runs Saltcellar, and functions that all scripts use. Sourced by the scripts beside it.
# shellcheck shell=bash
#
# CELLAR_DIR          everything that this copy keeps: data, keys, logs, Salt's configuration (default: .cellar)
# CELLAR_NODE         the id of this machine's minion (default: cellar-1)
# CELLAR_PUBLIC_PORT  the public app: pages, and the nodes' door (8080)
# CELLAR_PRIVATE_PORT  the private app, for masters (8081)
# CELLAR_PUBLISH_PORT, CELLAR_RETURN_PORT  salt-master (4505, 4506)
# CELLAR_BOT_PORTS    the range of ports for bots (20000-20999)    CELLAR_DOMAIN  the name of the place (butt.nz)
# CELLAR_ACCOUNT, CELLAR_BOT  the first account and its first bot (demo@example.org, my)
# CELLAR_PRICE_CENTS  the price of a month (0: free, unless this or CELLAR_PAYMENTS says otherwise)
# CELLAR_MAIL         where mail goes (default: a file, which the page /mailbox shows)
# CELLAR_BACKUP_REPOSITORY, CELLAR_BACKUP_PASSWORD_FILE  where backups go (default: none; docs/backup.md)
# CELLAR_CATALOGUE    the folder of the commands, roles and personas for chat (default: salt/meeseeks)
# CELLAR_SLACK_BOT_TOKEN_FILE, CELLAR_SLACK_SIGNING_SECRET_FILE, CELLAR_SLACK_APP_TOKEN_FILE  the Slack app (default: none)
# CELLAR_PUB_IMAGE_TAR  the pub's image for nodes that lack it (default: pub-image.tar.gz in CELLAR_DIR)
# CELLAR_BASE         the base image of the pubs (default: made from Debian's packages)
# CELLAR_PYTHON       the Python to make .venv with (python3.11, else python3)

set -euo pipefail

# With CDPATH, cd would print where it goes, into the output that is read here.
unset CDPATH
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$here")

# Daemons start in /, where a relative path would lead elsewhere.
CELLAR_DIR=$(realpath -m -- "${CELLAR_DIR:-$top/.cellar}")
: "${CELLAR_NODE:=cellar-1}"
: "${CELLAR_PUBLIC_PORT:=8080}" "${CELLAR_PRIVATE_PORT:=8081}"
: "${CELLAR_PUBLISH_PORT:=4505}" "${CELLAR_RETURN_PORT:=4506}"
: "${CELLAR_BOT_PORTS:=20000-20999}" "${CELLAR_DOMAIN:=butt.nz}"
: "${CELLAR_ACCOUNT:=demo@example.org}" "${CELLAR_BOT:=my}"
: "${CELLAR_DATABASE:=sqlite:///$CELLAR_DIR/service/cellar.db}" "${CELLAR_FILES:=$CELLAR_DIR/service/files}"
: "${CELLAR_SECRET_KEY_FILE:=$CELLAR_DIR/secrets/key}"
: "${CELLAR_BUNDLE_KEY_FILE:=$CELLAR_DIR/secrets/bundle-key}"
: "${CELLAR_BACKUP_PATHS:=${CELLAR_DIR@Q}/secrets ${CELLAR_DIR@Q}/etc}"
: "${CELLAR_PUB_IMAGE_TAR:=$CELLAR_DIR/pub-image.tar.gz}"
: "${CELLAR_MAIL=file://$CELLAR_DIR/service/mailbox}"
: "${CELLAR_CATALOGUE:=$top/salt/meeseeks}" "${CELLAR_MINION_D:=$top/salt/minion.d}"
: "${CELLAR_MACHINES:=$top/salt/machines}"
# Without payments, an account would be suspended after its trial, and its bots deleted: so a month is free.
[[ -n ${CELLAR_PAYMENTS:-} ]] || export CELLAR_PRICE_CENTS=${CELLAR_PRICE_CENTS:-0}
export CELLAR_MACHINES CELLAR_PUB_IMAGE_TAR CELLAR_BACKUP_PATHS CELLAR_CATALOGUE CELLAR_MINION_D CELLAR_MAIL CELLAR_DIR CELLAR_NODE CELLAR_PUBLIC_PORT CELLAR_PRIVATE_PORT CELLAR_PUBLISH_PORT CELLAR_RETURN_PORT
export CELLAR_BOT_PORTS CELLAR_DOMAIN CELLAR_ACCOUNT CELLAR_BOT CELLAR_DATABASE CELLAR_FILES CELLAR_SECRET_KEY_FILE CELLAR_BUNDLE_KEY_FILE

export SALTCELLAR_LOG_DIR=$CELLAR_DIR/log/images
# Debian's docker.io has no buildx, which a newer client would insist on.
export DOCKER_BUILDKIT=0
export PATH=$PATH:/usr/sbin:/sbin

bin=$top/.venv/bin
salt_etc=$CELLAR_DIR/etc/salt
private_url=http://127.0.0.1:$CELLAR_PRIVATE_PORT
public_url=http://127.0.0.1:$CELLAR_PUBLIC_PORT
processes=(public private master minion)
if [[ -n ${CELLAR_SLACK_BOT_TOKEN:-}${CELLAR_SLACK_BOT_TOKEN_FILE:-} ]]; then processes+=(chat); fi
export bin salt_etc private_url public_url processes

say() { printf '%s\n' "$*"; }
# The pinned versions, for what is not fetched from an index.
pins() { sed -n 's/^\([A-Za-z0-9._-]*==[^ ;\\]*\).*/\1/p' "$top/requirements.txt"; }
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Make the folders of a place that is to be started, and take the lock: FOLDER…, where its nodes keep their data.
make_place() {
  ((EUID == 0)) || fail "This installs packages and starts daemons: run it as root"
  ((${#CELLAR_DIR} <= 70)) || fail "CELLAR_DIR ($CELLAR_DIR) is too long for Salt's sockets: set it to a path of at most 70 characters"
  mkdir -p "$CELLAR_DIR"
  umask 077
  mkdir -p "$CELLAR_DIR"/{log,run,secrets,service,etc} "${@/#/$CELLAR_DIR/}"
  # Commands of the catalogue run as other users, who must be able to enter these folders.
  chmod 711 "$CELLAR_DIR" "${@/#/$CELLAR_DIR/}"
  take_turn
}

# Prepare what this tree needs before anything is started, step by step: PACKAGES (see packages.sh) [EXTRA,…] (see python.sh).
# Python's packages are fetched while the images are made: both mostly wait for the network. If a step fails, or all is
# interrupted, the fetching is ended, too: it would keep the lock, and change .venv under whoever tries again.
prepare() (
  local images=(env ${CELLAR_BASE:+BASE="$CELLAR_BASE"}) fetched=$CELLAR_DIR/log/python.fetched python
  step packages "$here/packages.sh" "$1"
  setsid "$here/python.sh" "${@:2}" >"$fetched" 2>&1 &
  python=$!
  trap 'end_group "$python"' EXIT
  step docker "$here/docker.sh"
  [[ -n ${CELLAR_BASE:-} ]] || step base-image "$here/base-image.sh"
  step pub-image "${images[@]}" "$here/pub-image.sh"
  step image-tar "$here/image-tar.sh" "$CELLAR_PUB_IMAGE_TAR"
  step assets "${images[@]}" "$here/assets.sh"
  step python ended "$python" "$fetched"
)

# End a child that leads a group of its own, with all that it started.
end_group() {
  kill -- "-$1" 2>/dev/null || kill "$1" 2>/dev/null || return 0
  wait "$1" || true
  kill -KILL -- "-$1" 2>/dev/null || true
}

# Wait for what was started beside the steps; print its output, and return its exit code.   ended PID FILE
ended() {
  local code=0
  wait "$1" || code=$?
  cat "$2"
  return "$code"
}

# Take the lock on CELLAR_DIR until this script ends; fail if another script has it.
take_turn() {
  mkdir -p "$CELLAR_DIR/run"
  exec 9>"$CELLAR_DIR/run/up.lock"
  flock -n 9 || fail "Another make (up, upgrade, restore, demo, down or clean) is at work in $CELLAR_DIR: wait for it to end"
}

# Run a step: NAME COMMAND… . Shows its last line of output; if it fails, also where to read on.
step() {
  local name=$1 log=$CELLAR_DIR/log/$1.log began=$EPOCHREALTIME last
  shift
  printf '  %-11s' "$name"
  if "$@" >"$log" 2>&1; then
    last=$(last_line "$log")
    printf '%-66s %6.1f s\n' "${last#"$name: "}" "$(since "$began")"
    return 0 # in a trap, a plain return would return the exit code from before the trap
  fi
  printf 'FAILED after %.1f s\n\n  step    %s\n  reason  %s\n  log     %s\n' \
    "$(since "$began")" "$name" "$(last_line "$log")" "$log"
  exit 1
}

since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'; }
last_line() { { grep -v '^[[:space:]]*$' "$1" | tail -n 1 | cut -c 1-300; } || true; }

# A process counts as the one in the pid file only if its start time matches, too: the kernel uses process ids again.
is_up() { start-stop-daemon --status --pidfile "$CELLAR_DIR/run/$1.pid" 2>/dev/null && started_here "$1"; }
started_here() { [[ $(start_time "$1") == "$(cat "$CELLAR_DIR/run/$1.began" 2>/dev/null)" ]]; }
start_time() { sed 's/.*) //' "/proc/$(cat "$CELLAR_DIR/run/$1.pid")/stat" 2>/dev/null | cut -d' ' -f20; }

# Start COMMAND… in the background as NAME, unless it runs; its output goes to the log.
start_process() {
  local name=$1
  shift
  is_up "$name" && return
  mkdir -p "$CELLAR_DIR"/{log,run}
  rm -f "$CELLAR_DIR/run/$name.pid"
  start-stop-daemon --start --background --make-pidfile --pidfile "$CELLAR_DIR/run/$name.pid" \
    --output "$CELLAR_DIR/log/$name.out" --chdir / --exec "$1" --startas "$1" -- "${@:2}"
  wait_for 5 test -s "$CELLAR_DIR/run/$name.pid"
  start_time "$name" >"$CELLAR_DIR/run/$name.began"
}

stop_process() {
  local pid group
  is_up "$1" || return 0
  pid=$(cat "$CELLAR_DIR/run/$1.pid")
  group=$(ps -o pgid= -p "$pid")
  start-stop-daemon --stop --oknodo --remove-pidfile --pidfile "$CELLAR_DIR/run/$1.pid" --retry "TERM/${2:-20}/KILL/5" --quiet
  # Each process has a group of its own; a child that outlived the process would hold ports and locks.
  pkill -KILL -g "${group// /}" || true
}

# Whether the app at ADDRESS answers; one that hangs accepts the connection, but says nothing.
healthy() { curl -fsS -m 3 "$1/healthz"; }

# Fail with a sentence if another program listens on the port that PROCESS is about to take: PROCESS PORT SETTING.
need_port() {
  local by
  is_up "$1" && return
  by=$(ss -Hltnp "sport = :$2" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, pid \2/p' | head -n 1)
  [[ -z $(ss -Hltn "sport = :$2") ]] || fail "Port $2 is taken${by:+ by $by}: stop that, or set $3 to another port"
}

# Fail with a sentence if bots of another copy on this engine belong to a node of the same name: ID FOLDER.
# Each of the two nodes would take the other's bots for leftovers.
need_node() {
  local bot name mounts data=$CELLAR_DIR/$2 others=()
  while read -r bot name mounts; do
    [[ -d $data/bots/$bot || $mounts == *"$data/"* ]] || others+=("$name")
  done < <(timeout 20 docker ps -a --no-trunc --filter "label=saltcellar.node=$1" \
    --format '{{.Label "saltcellar.bot"}} {{.Names}} {{.Mounts}}' 2>/dev/null)
  ((${#others[@]} == 0)) || fail "Bots that are not kept in $data belong to a node $1, too (${others[*]}): another copy uses that name here. Set" \
    "CELLAR_NODE to another, and CELLAR_BOT_PORTS to other ports. If that copy is gone, remove what it left: docker rm -f ${others[*]}"
}

# Wait until COMMAND… succeeds while all of these PROCESSES live, at most two minutes (a machine may be busy); else fail with a
# sentence that says what did not happen and, if a process ended, its last words: "NAME…" WHAT COMMAND…
wait_started() {
  local processes=$1 what=$2 began=$SECONDS name said
  shift 2
  until "$@" >/dev/null 2>&1; do
    for name in $processes; do
      is_up "$name" && continue
      said=$(last_line "$CELLAR_DIR/log/$name.out") || true
      fail "$what: $name ended${said:+, with: $said} (its log is $CELLAR_DIR/log/$name.out)"
    done
    ((SECONDS - began < 120)) || fail "$what within two minutes, though ${processes// / and } are running: a busy machine may be slow, so try again." \
      "Logs are in $CELLAR_DIR/log"
    sleep 0.2
  done
}

# Wait up to SECONDS until COMMAND… succeeds.
wait_for() {
  local seconds=$1 began=$SECONDS
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS - began < seconds)) || return 1
    sleep 0.2
  done
}
