"""Where an enrolled node keeps what is its own; all of it below one root, so that it stands beside whatever is there."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillar_service.core.errors import NotFound


@dataclass(frozen=True)
class Site:
    """The folders of a node below ``root``: `/` on a machine of its own."""

    root: Path

    @property
    def etc(self) -> Path:
        """Holds Salt's configuration and the node's key."""
        return self.root / "etc/saltcellar"

    @property
    def pki(self) -> Path:
        """Holds the key pair and the master's public key."""
        return self.etc / "pki"

    @property
    def identity(self) -> Path:
        """Says which node this is: a JSON file."""
        return self.etc / "node.json"

    @property
    def data(self) -> Path:
        """Holds the bots and what the node knows."""
        return self.root / "var/lib/saltcellar"

    @property
    def launcher(self) -> Path:
        """Starts and stops the node."""
        return self.root / "opt/saltcellar/bin/saltcellar-node"

    def who(self) -> dict[str, Any]:
        """Which node this is: {"node", "service"}; raises NotFound before it is one."""
        try:
            return dict(json.loads(self.identity.read_text()))
        except (OSError, ValueError) as error:
            raise NotFound(f"This machine is no node yet: {self.identity} can't be read.") from error

    def configuration(self, told: Mapping[str, Any], user: str) -> str:
        """The minion's own configuration, as an answer to its enrolment told; values are JSON, which YAML reads."""
        # With several masters no `master_alive_interval`: Salt 3008.3 then ends the whole minion while one of them is away
        # (salt.minion.MinionManager has one loop for all; Minion.handle_event stops it). ZeroMQ connects again by itself.
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
            # A node that is refused goes on with what it knows, and asks again.
            "rejected_retry": True,
            "acceptance_wait_time": 2,
            "acceptance_wait_time_max": 60,
        }
        lines = [f"{key}: {json.dumps(value)}" for key, value in values.items()]
        return "\n".join(["# Written by enrol.sh; what is the same on every node stands in minion.d.", *lines, ""])


def _in_brackets(address: str) -> str:
    """An address as it stands before a port: Salt takes the last part of an IPv6 one for nothing else."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file whole, or not at all."""
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
