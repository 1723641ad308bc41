"""How a pub is by its pulse: a file that it touches while its port and its database answer, in its data directory."""

import os
import stat
import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.bots import health as rules
from pillar_service.node import containers

DATA, PULSE = "/home/node/.ssb", "alive"
"""Where a pub's data directory is inside its container, and the file in it."""


def health(inspected: Mapping[str, Any]) -> str:
    """How an inspected container is: by its pub's pulse where it has one, otherwise by what Docker says."""
    state = inspected["State"]
    docker = str((state.get("Health") or {}).get("Status", "none"))
    return rules.judged(docker, _pulse_age_s(inspected) if state["Running"] else None)


def _pulse_age_s(inspected: Mapping[str, Any]) -> float | None:
    """How old a pub's pulse is; None when there is none of this run of it, nor of this clock, if that was set back."""
    data = next((one["Source"] for one in inspected.get("Mounts") or () if one["Destination"] == DATA), None)
    if data is None:
        return None
    try:
        found = os.stat(os.path.join(data, PULSE), follow_symlinks=False)
    except OSError:
        return None
    age = time.time() - found.st_mtime
    return age if stat.S_ISREG(found.st_mode) and -1 <= age <= containers.uptime_s(inspected) + 1 else None
