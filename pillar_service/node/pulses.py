"""A pub's health by its pulse: a file in its data directory that it touches while its port and its database answer."""

import os
import stat
import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.bots import health as rules
from pillar_service.node import containers

DATA, PULSE = "/home/node/.ssb", "alive"
"""The path of a pub's data directory in its container, and the name of the file."""


def health(inspected: Mapping[str, Any]) -> str:
    """The health of an inspected container: by its pub's pulse if there is one, otherwise by what Docker says."""
    state = inspected["State"]
    docker = str((state.get("Health") or {}).get("Status", "none"))
    return rules.judged(docker, _pulse_age_s(inspected) if state["Running"] else None)


def _pulse_age_s(inspected: Mapping[str, Any]) -> float | None:
    """The age of a pub's pulse in seconds; None if there is none since the container started, or it lies in the future."""
    data = next((one["Source"] for one in inspected.get("Mounts") or () if one["Destination"] == DATA), None)
    if data is None:
        return None
    try:
        found = os.stat(os.path.join(data, PULSE), follow_symlinks=False)
    except OSError:
        return None
    age = time.time() - found.st_mtime
    return age if stat.S_ISREG(found.st_mode) and -1 <= age <= containers.uptime_s(inspected) + 1 else None
