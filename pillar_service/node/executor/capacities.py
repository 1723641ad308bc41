"""What this node has for running commands; the service is told when it changes. No permission ever depends on it."""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.node import disk
from pillar_service.node.door import Door
from pillar_service.node.executor import records
from pillar_service.node.executor.people import PATH
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

LOOKED_FOR = (
    *("sh", "bash", "zsh", "python3", "perl", "ruby", "node", "php", "lua", "pwsh"),
    *("docker", "podman", "kubectl", "helm", "systemctl", "journalctl", "apt-get", "dnf", "apk"),
    *("git", "curl", "rsync", "psql", "mysql", "sqlite3", "redis-cli", "terraform", "ansible", "aws", "gcloud", "az"),
)
"""Programs that a node reports if they are on the commands' PATH."""

FILES = {"on-call": "/etc/saltcellar/on-call"}
"""Further capacities that a node has if a file exists."""

SLOTS_PER_CPU = 4


def found(path: str = PATH) -> dict[str, Any]:
    """{"has": sorted names, "slots": how many commands at once}; "systemd" is in ``has`` where systemd runs."""
    has = {name for name in LOOKED_FOR if shutil.which(name, path=path)}
    has |= {name for name, file in FILES.items() if Path(file).is_file()}
    if Path("/run/systemd/system").is_dir():
        has.add("systemd")
    return {"has": sorted(has), "slots": SLOTS_PER_CPU * (os.cpu_count() or 1)}


def tell(home: Home, told: Told, timeout_s: float = 2.0, path: str = PATH) -> bool:
    """Tell the service, unless it knows already; returns whether it was told. If it is away, the next call tells it."""
    now = found(path)
    file = records.folder(home, "state") / "capacities.json"
    # A service at another address is told again.
    written = json.dumps({"told": now, "service": (told.service or {}).get("url")}, sort_keys=True).encode()
    with contextlib.suppress(OSError):
        if file.read_bytes() == written:
            return False
    try:
        Door(told.service).capacities(now, timeout_s)
    except SaltcellarError:
        return False
    disk.write_atomically(file, written)
    return True
