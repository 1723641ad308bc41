# shellcheck shell=sh  # run by outer.sh, with the token in the environment
set -eu

service='@SERVICE@'
version='@VERSION@'
bundle='@BUNDLE@'
fits='@FITS@'
needed='@NEEDED@'

say() { printf '  %-9s %s\n' "$1" "$2"; }
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

usage="sh enrol.sh TOKEN [--name NAME] [--root DIR] [--new-key]; or remove it again: sh enrol.sh --reset [--root DIR] [--with-data]"
no_token() { fail "Give the token: $usage"; }

read_arguments() {
  token=${CELLAR_ENROL_TOKEN:-}
  unset CELLAR_ENROL_TOKEN # what this script starts does not need it
  name=${CELLAR_ENROL_NAME:-} root=${CELLAR_ENROL_ROOT:-/}
  act=enrol with_data=no new_key=no
  while [ $# -gt 0 ]; do
    case $1 in
      --name) [ $# -gt 1 ] || fail "--name takes a name: $usage"; name=$2; shift ;;
      --root) [ $# -gt 1 ] || fail "--root takes a path: $usage"; root=$2; shift ;;
      --reset) act=reset ;;
      --with-data) with_data=yes ;;
      --new-key) new_key=yes ;;
      --help | -h) printf '%s\n' "$usage"; exit ;;
      *) fail "$1 is not known here: $usage" ;;
    esac
    shift
  done
  case $root in
    *[!A-Za-z0-9/._-]* | *..*) fail "--root takes a plain path, without spaces, '..' or special characters, not $root." ;;
    /*) ;;
    *) fail "--root takes an absolute path, not $root." ;;
  esac
  root=${root%/}
  opt=$root/opt/saltcellar etc=$root/etc/saltcellar data=$root/var/lib/saltcellar
  launcher=$opt/bin/saltcellar-node fresh_venv=$opt/venv.enrol
  folders="$opt $etc $root/var/cache/saltcellar $root/var/log/saltcellar $root/run/saltcellar"
  unit='' rotation='' command=
  if [ -z "$root" ] && [ -d /usr/local/bin ]; then command=/usr/local/bin/cellar-submit; fi
  if [ -z "$root" ] && [ -d /etc/logrotate.d ]; then rotation=/etc/logrotate.d/saltcellar-node; fi
  if [ -z "$root" ] && [ -d /run/systemd/system ]; then unit=/etc/systemd/system/saltcellar-node.service; fi
}

# --- what must be there -----------------------------------------------------------------------------------------------

check_machine() {
  [ "$(uname -s)" = Linux ] || fail "This is not Linux ($(uname -s)): a node needs Linux."
  [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "Run it as root: put sudo before sh, or give --root DIR to try it without root."
  for tool in curl tar sha256sum setsid sed flock; do
    command -v "$tool" >/dev/null || fail "$tool is missing: install it (on Debian: apt-get install curl tar coreutils util-linux sed), then run this again."
  done
  find_python
  say machine "$(uname -sr), $("$python" --version 2>&1)"
}

# Let one enrol.sh run at a time: one that fails removes what it made, which another one might be using. Whoever
# inherits the lock's descriptor holds the lock, so nodes are started without it.
hold() {
  command -v flock >/dev/null || return 0
  mkdir -p "$root/"
  exec 9<"$root/"
  flock -n 9 || [ $? != 1 ] || fail "Another enrol.sh is at work here: wait until it is done, then run this again."
}

# Take the first Python for which there are wheels; without such a one, the first that is new enough.
find_python() {
  there=
  for python in ${CELLAR_ENROL_PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
    "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    python=$(command -v "$python")
    there=${there:-$python}
    if [ -n "${CELLAR_ENROL_PYTHON:-}" ] || has_wheels; then return; fi
  done
  python=$there
  [ -n "$python" ] || fail "There is no Python 3.11 or newer with venv: install it (on Debian: apt-get install python3 python3-venv), then run this again."
}

has_wheels() {
  [ -n "$fits" ] || return 0
  is=$("$python" -c 'import platform, sys; print("%d.%d-%s" % (*sys.version_info[:2], platform.machine()))')
  case " $fits " in
    *" $is "* | *" any-${is#*-} "* | *" ${is%%-*}-any "*) ;;
    *) return 1 ;;
  esac
}

choose_name() {
  if [ -z "$name" ] && [ -f "$etc/node.json" ]; then name=$(known node | cut -d. -f1); fi
  [ -n "$name" ] || name=$(uname -n | cut -d. -f1 | tr '[:upper:]' '[:lower:]' | tr -c '[:lower:][:digit:]\n' '-' | cut -c1-40 | sed 's/^-*//; s/-*$//')
  [ -n "$name" ] || fail "This machine's name can't be a node's: give one with --name NAME."
}

known() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$etc/node.json" "$1"; }

# --- the service ------------------------------------------------------------------------------------------------------

# Ask the service for PATH with the token; the answer goes into FILE, its status into $status.   ask PATH FILE [OPTION…]
ask() {
  url=$service$1 into=$2
  shift 2
  status=$(printf 'Authorization: Bearer %s\n' "$token" |
    curl -sS --connect-timeout 10 --max-time 600 -H @- -o "$into" -w '%{http_code}' "$@" "$url" 2>"$work/curl") ||
    fail "The service does not answer at $service ($(head -n 1 "$work/curl")): is this machine online? Run this again later."
}

reason() {
  "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["detail"])' "$1" 2>/dev/null ||
    printf 'The service at %s answered %s.\n' "$service" "$status"
}

check_token() {
  [ -n "$token" ] || no_token
  ask /enrol/token "$work/token" -G --data-urlencode "name=$name"
  case $status in
    200) good=yes ;;
    401)
      key=minion.pem
      if [ "$new_key" = yes ]; then key=minion.next.pem; fi # an earlier run may have got no answer
      [ -f "$etc/pki/$key" ] || fail "$(reason "$work/token")"
      ;;
    *) fail "$(reason "$work/token")" ;;
  esac
}

# Whether this machine is a node of this service. Then a token that is used up is enough: its answer may have been lost.
is_enrolled() { [ -f "$etc/node.json" ] && [ "$(known service)" = "$service" ]; }

# --- the software -----------------------------------------------------------------------------------------------------

install() {
  if [ -n "${CELLAR_ENROL_PYTHON:-}" ]; then
    say software "as $python has it"
    return
  fi
  wanted="$version $bundle"
  if [ "$(cat "$opt/made" 2>/dev/null)" = "$wanted" ]; then
    python=$opt/venv/bin/python
    say software "saltcellar $version is there"
    return
  fi
  if [ "$good" = no ] && [ -x "$opt/venv/bin/python" ]; then
    python=$opt/venv/bin/python
    say software "unchanged: with a working token it would become saltcellar $version"
    return
  fi
  [ -n "$bundle${PIP_INDEX_URL:-}${PIP_FIND_LINKS:-}" ] ||
    fail "$service hands out no bundle of wheels: ask whoever runs it to name one in CELLAR_NODE_BUNDLE, or set PIP_INDEX_URL to an index that has saltcellar."
  has_wheels || fail "$service has wheels for $needed, and this machine has Python ${is%%-*} on ${is#*-}: install one that fits, with venv, or ask whoever runs $service for a bundle for this machine (make node-bundle on one like it)."
  rm -rf "$fresh_venv"
  mkdir -p "$opt"
  "$python" -m venv "$fresh_venv" >"$work/venv" 2>&1 || fail "$python could not make an environment ($(tail -n 1 "$work/venv")): install python3-venv."
  python=$fresh_venv/bin/python
  install_into_venv
  "$python" -c 'import sys, pathlib; from pillar_service.node.upgrading import making; making.rename(pathlib.Path(sys.argv[1]))' "$fresh_venv" \
    2>"$work/loaded" || fail "What was installed can't be loaded: $(tail -n 1 "$work/loaded")"
  [ -d "$opt/venv" ] || change_over
  say software "saltcellar $version in $opt/venv"
}

# Replace the running environment by the new one. If the power fails in between, the launcher puts the old one back.
change_over() {
  [ "$python" = "$fresh_venv/bin/python" ] || return 0
  if [ -x "$launcher" ]; then
    if "$launcher" status >/dev/null; then stopped=yes; fi
    "$launcher" stop
  fi
  rm -rf "$opt/venv.before" "$opt/made"
  if [ -d "$opt/venv" ]; then mv "$opt/venv" "$opt/venv.before"; fi
  mv "$fresh_venv" "$opt/venv"
  rm -rf "$opt/venv.before"
  printf '%s\n' "$wanted" >"$opt/made"
  python=$opt/venv/bin/python
}

install_into_venv() {
  set -- "saltcellar[node]==$version"
  if [ -n "$bundle" ]; then
    fetch_bundle
    set -- --no-index --find-links "$work/wheels" "$@"
  fi
  "$python" -m pip install -q --disable-pip-version-check "$@" >"$work/pip" 2>&1 ||
    fail "pip could not install saltcellar[node] $version: $(grep -v '^ *$' "$work/pip" | tail -n 1)"
}

fetch_bundle() {
  ask /enrol/bundle "$work/bundle.tar.gz"
  [ "$status" = 200 ] || fail "The bundle of wheels can't be fetched. $(reason "$work/bundle.tar.gz")"
  printf '%s  %s\n' "$bundle" "$work/bundle.tar.gz" | sha256sum -c >/dev/null 2>&1 ||
    fail "The bundle of wheels is not the one that this script names (another SHA-256): download the script again, then run it."
  mkdir -p "$work/wheels"
  tar -xzf "$work/bundle.tar.gz" -C "$work/wheels" || fail "The bundle of wheels can't be unpacked: is $work full?"
}

# Let Python trust the authorities that this system trusts, as curl does; the launcher does the same.
trust() {
  for authorities in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
    if [ -z "${REQUESTS_CA_BUNDLE:-}" ] && [ -r "$authorities" ]; then export REQUESTS_CA_BUNDLE="$authorities"; fi
  done
}

enrolment() { "$python" -m pillar_service.node.enrolment "$@" --root "$root/"; }

# --- the node ---------------------------------------------------------------------------------------------------------

# From here on the service may know this machine's key, so what was made stays: running this script again goes on.
join() {
  joined=maybe
  set -- join --service "$service" --name "$name"
  if [ "$new_key" = yes ]; then set -- "$@" --new-key; fi
  if printf '%s\n' "$token" | enrolment "$@" >"$work/joined" 2>"$work/refused"; then
    say node "$(cut -d' ' -f1 "$work/joined")"
    say master "its key has the fingerprint $(cut -d' ' -f2 "$work/joined")"
    return
  else
    code=$?
  fi
  if [ "$code" = 7 ]; then fail "$(cat "$work/refused") Run this again: it continues where it stopped."; fi
  if [ "$code" = 3 ] && [ "$good" = no ] && [ "$new_key" = no ] && is_enrolled; then
    say node "$(known node), as it was"
    return
  fi
  joined=no
  fail "$(cat "$work/refused")"
}

write_launcher() {
  mkdir -p "$opt/bin" "$root/var/log/saltcellar" "$root/run/saltcellar" "$root/var/cache/saltcellar" "$data"
  chmod 700 "$root/run/saltcellar" "$root/var/cache/saltcellar"
  {
    printf '#!/bin/sh\n# Written by enrol.sh.   saltcellar-node start|stop|restart|status|run\nset -eu\n'
    printf "root='%s' etc='%s' python='%s' unit='%s' path='%s'\n" "$root" "$etc" "$python" "$unit" "${CELLAR_ENROL_PYTHON:+${PYTHONPATH:-}}"
    cat <<'LAUNCHER'
@LAUNCHER@
LAUNCHER
  } >"$launcher.part"
  chmod 755 "$launcher.part"
  mv "$launcher.part" "$launcher"
}

# A command of this name that is not ours stays.
write_submit() {
  {
    printf '#!/bin/sh\n# Written by enrol.sh.\n'
    if [ -n "${CELLAR_ENROL_PYTHON:+${PYTHONPATH:-}}" ]; then printf "export PYTHONPATH='%s'\n" "$PYTHONPATH"; fi
    printf "exec '%s' -m pillar_service.node.submitting --config '%s' \"\$@\"\n" "$python" "$etc"
  } >"$opt/bin/cellar-submit.part"
  chmod 755 "$opt/bin/cellar-submit.part"
  mv "$opt/bin/cellar-submit.part" "$opt/bin/cellar-submit"
  if [ -n "$command" ] && { is_ours || [ ! -e "$command" ]; }; then ln -sfn "$opt/bin/cellar-submit" "$command"; fi
}

is_ours() { [ "$(readlink "$command")" = "$opt/bin/cellar-submit" ]; }

write_unit() {
  [ -n "$unit" ] || return 0
  cat >"$unit" <<UNIT
[Unit]
Description=A node of $service
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=$launcher run
Restart=always
RestartSec=5
KillMode=mixed
TimeoutStopSec=15
LimitNOFILE=8192

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable -q saltcellar-node
}

# copytruncate, because a process that writes node.out keeps it open: the file is copied and emptied, not replaced.
write_rotation() {
  [ -n "$rotation" ] || return 0
  cat >"$rotation" <<ROTATION
$root/var/log/saltcellar/minion $root/var/log/saltcellar/node.out {
    weekly
    maxsize 20M
    rotate 4
    compress
    delaycompress
    missingok
    notifempty
    copytruncate
}
ROTATION
}

start() {
  change_over
  write_launcher
  write_submit
  write_unit
  write_rotation
  "$launcher" restart 9<&- || fail "The node could not be started: read $root/var/log/saltcellar/node.out."
  stopped=no
  say started "$("$launcher" status)"
  tries=0
  while ask "/enrol/node?name=$name" "$work/state"; ! grep -q '"answers": *true' "$work/state"; do
    [ "$status" = 200 ] || { say answers "unknown: $(reason "$work/state")"; return; }
    [ "$tries" -lt "${CELLAR_ENROL_WAIT:-120}" ] || fail "The node runs, but the service has not heard of it yet: can this machine reach the master's ports? Read $root/var/log/saltcellar/minion, then run this again."
    "$launcher" status >/dev/null || fail "The node stopped again: read $root/var/log/saltcellar/node.out."
    sleep 1
    tries=$((tries + 1))
  done
  say answers "yes: the service has heard of it"
}

# --- back off ---------------------------------------------------------------------------------------------------------

reset() {
  [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "Run it as root: put sudo before sh."
  if [ "$with_data" = no ] && [ -n "$(ls -A "$data/bots" 2>/dev/null)" ]; then
    fail "There are bots in $data/bots, and their identity is in there: export or move them first, or give --with-data to delete them."
  fi
  python=${CELLAR_ENROL_PYTHON:-$opt/venv/bin/python}
  if [ -x "$launcher" ]; then "$launcher" stop || true; fi
  if [ -f "$etc/node.json" ]; then part; fi
  if [ -n "$unit" ] && [ -f "$unit" ]; then
    systemctl disable -q saltcellar-node || true
    rm -f "$unit"
    systemctl daemon-reload
  fi
  if [ -n "$rotation" ]; then rm -f "$rotation"; fi
  if [ -n "$command" ] && is_ours; then rm -f "$command"; fi
  # shellcheck disable=SC2086  # these are words
  rm -rf $folders "$data"
  say reset "done: nothing of it is left below ${root:-/}"
}

# Part from the service: send waiting events while the key is good, and remove the containers while their folders are
# there, else they would run on.
part() {
  if enrolment tell >"$work/told" 2>"$work/refused"; then say events "$(cat "$work/told")"; else say events "not told: $(tail -n 1 "$work/refused")"; fi
  if enrolment clear >"$work/cleared" 2>"$work/refused"; then
    say bots "$(cat "$work/cleared")"
  elif [ -n "$(ls -A "$data/bots" 2>/dev/null)" ]; then
    if [ -x "$launcher" ]; then "$launcher" start 9<&- || true; fi
    fail "The bots' containers are still there, so nothing was removed. $(tail -n 1 "$work/refused")"
  else
    say bots "some containers may be left: $(tail -n 1 "$work/refused")"
  fi
  if enrolment leave >/dev/null 2>"$work/refused"; then say key "revoked"; else say key "not revoked: $(cat "$work/refused")"; fi
}

# Remove what this run made, if it failed before the service knew this machine; start the node if this run stopped it.
tidy() {
  code=$?
  rm -rf "$work" "$fresh_venv"
  if [ "$stopped" = yes ]; then "$launcher" start 9<&- || true; fi
  if [ "$code" != 0 ] && [ "$act" = enrol ] && [ "$joined" = no ] && [ "$fresh" = yes ]; then
    # shellcheck disable=SC2086  # these are words
    rm -rf $folders
  fi
  exit "$code"
}

main() {
  # Commands run as other users, who must be able to enter folders; and logrotate refuses files that others may write.
  umask 022
  read_arguments "$@"
  trust
  joined=no fresh=no good=no stopped=no
  if [ "$act" = enrol ]; then check_machine; fi
  hold
  [ -e "$opt" ] || [ -e "$etc" ] || fresh=yes
  work=$(mktemp -d)
  trap tidy EXIT
  trap 'exit 130' INT TERM HUP
  if [ "$act" = reset ]; then reset; return; fi
  choose_name
  check_token
  install
  join
  start
}

main "$@"
