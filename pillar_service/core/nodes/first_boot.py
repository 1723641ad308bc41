"""What a machine at a provider does at its first boot: it mounts its volume, and enrols itself as a node.

Cloud-init runs the script as root, once (user data that begins with `#!`). The token is in the script and in the
environment, never on a command line; it can be used once, only for this name, and only for as long as a boot may take.
"""

import shlex

DATA = "/var/lib/saltcellar"
"""Where a node keeps its bots, and where the volume is mounted."""

WAIT_S = 600
"""How long the script waits for the volume, and for the service, in seconds."""

VOLUME = """
mount_volume() {
  tries=0
  until [ -b "$device" ]; do
    tries=$((tries + 1))
    [ $((tries * 2)) -le "$wait" ] || { echo "The volume $device did not appear."; exit 1; }
    sleep 2
  done
  blkid "$device" >/dev/null || mkfs.ext4 -q -L saltcellar "$device"
  mkdir -p "$data"
  grep -q "^LABEL=saltcellar " /etc/fstab || echo "LABEL=saltcellar $data ext4 defaults,nofail 0 2" >>/etc/fstab
  mountpoint -q "$data" || mount "$data"
}
mount_volume
"""

ENROL = """
install_tools() {
  if command -v curl >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null; then return; fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q && apt-get install -y -q --no-install-recommends ca-certificates curl python3-venv
}

again() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $((tries * 10)) -le "$wait" ] || exit 1
    sleep 10
  done
}

again install_tools
script=$(mktemp)
again curl -fsS --connect-timeout 10 --max-time 60 -o "$script" "$service/enrol.sh"
again sh "$script"
rm -f "$script"
"""


def script(service: str, name: str, token: str, device: str | None) -> str:
    """The script that makes a machine the node ``name``; ``device`` is where its volume appears, None if it has none."""
    words = {"service": service, "wait": str(WAIT_S)} | ({"device": device, "data": DATA} if device else {})
    head = [f"{word}={shlex.quote(value)}" for word, value in words.items()]
    secret = f"export CELLAR_ENROL_TOKEN={shlex.quote(token)} CELLAR_ENROL_NAME={shlex.quote(name)}"
    lines = ["#!/bin/sh", f"# Make this machine a node of {service}.", "set -eu", "umask 077", *head, secret]
    return "\n".join(lines) + "\n" + (VOLUME if device else "") + ENROL
