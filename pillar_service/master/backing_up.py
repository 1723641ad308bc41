"""Waiting for a backup or its verification."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from pillar_service.core.errors import Failed, Unavailable
from pillar_service.core.service.backups import OPEN, RoundState
from pillar_service.master.client import Client
from pillar_service.master.runners import seconds

EVERY_S = 1.0


def over(service: Client, begin: Callable[[], Mapping[str, Any]], wait: object) -> dict[str, Any]:
    """Begins a round, and returns it once it is over, or as it is after ``wait`` seconds; raises Failed if it failed.

    While the service does not answer, it is asked again: it may be restarting.
    """
    ends = time.monotonic() + seconds(wait)
    one = begin()
    while one["state"] in OPEN and time.monotonic() < ends:
        time.sleep(EVERY_S)
        try:
            one = service.backup(one["id"])
        except Unavailable:
            continue
    if one["state"] == RoundState.FAILED:
        raise Failed(one["detail"])
    return dict(one)
