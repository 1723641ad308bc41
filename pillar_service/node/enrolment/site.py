"""Where an enrolled node keeps its files: all below one root, so that it can live beside whatever else is there."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillar_service.core.errors import NotFound


@dataclass(frozen=True)
class Site:
    """The folders of a node below ``root``, which is `/` if the node has the machine to itself."""

    root: Path

    @property
    def etc(self) -> Path:
        """The folder of Salt's configuration and the node's key."""
        return self.root / "etc/saltcellar"

    @property
    def pki(self) -> Path:
        """The folder of the key pair and the master's public key."""
        return self.etc / "pki"

    @property
    def identity(self) -> Path:
        """The JSON file that says which node this is."""
        return self.etc / "node.json"

    @property
    def data(self) -> Path:
        """The folder of the bots and of what the node knows."""
        return self.root / "var/lib/saltcellar"

    @property
    def launcher(self) -> Path:
        """The program that starts and stops the node."""
        return self.root / "opt/saltcellar/bin/saltcellar-node"

    def who(self) -> dict[str, Any]:
        """Which node this is: {"node", "service", …}; raises NotFound if this machine is no node."""
        try:
            return dict(json.loads(self.identity.read_text()))
        except (OSError, ValueError) as error:
            raise NotFound(f"This machine is not a node yet: {self.identity} can't be read.") from error

    def configuration(self, told: Mapping[str, Any], user: str) -> str:
        """The text of the minion's configuration, from the answer to its enrolment; values are JSON, which is also YAML."""
        # No `master_alive_interval` with several masters: with it, Salt 3008.3 ends the whole minion while one master is
        # away (salt.minion.MinionManager has one loop for all; Minion.handle_event stops it). ZeroMQ reconnects by itself.
        names = [f"{_in_brackets(one['address'])}:{one['port']}" for one in told["masters"]]
        values = {
            "id": told["node"],
            "user": user,
            "master": names if len(names) > 1 else names[0],
            "master_finger": told["master_fingerprint"],
            "pki_dir": str(self.pki),
            "cachedir": str(self.root / "var/cache/saltcellar"),
            "sock_dir": str(self.root / "run/saltcellar"),
            "pidfile": str(self.root / "run/saltcellar/salt-minion.pid"),
            "log_file": str(self.root / "var/log/saltcellar/minion"),
            "extension_modules": str(self.root / "var/cache/saltcellar/extmods"),
            "conf_file": str(self.etc / "minion"),
            "saltcellar": {"data": str(self.data), "root": str(self.root)},
            # A node that the master rejects goes on with what it knows, and asks again.
            "rejected_retry": True,
            "acceptance_wait_time": 2,
            "acceptance_wait_time_max": 60,
        }
        lines = [f"{key}: {json.dumps(value)}" for key, value in values.items()]
        return "\n".join(["# Written by enrol.sh; what every node has in common is in minion.d.", *lines, ""])


def _in_brackets(address: str) -> str:
    """The address as it is written before a port: otherwise Salt takes the last group of an IPv6 address for the port."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file atomically and durably."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
