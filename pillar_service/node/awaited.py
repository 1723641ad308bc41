"""Whether somebody still waits for what this process carries out.

A node that was frozen, or had half a connection, finds what was published to it when it wakes up: its jobs may be over by then.
"""

import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import NotFound, Unavailable
from pillar_service.node import tracing
from pillar_service.node.door import Door

PATIENCE_S, AGAIN_S = 30.0, 1.0
"""For how long a service that is away is asked again, and how often: it is back in a few seconds from a restart."""


def require(opts: Mapping[str, Any], service: Mapping[str, str] | None, patience_s: float = PATIENCE_S) -> None:
    """Raises Conflict when nobody does, and Unavailable when that can't be known. What is called by hand is waited for."""
    run = tracing.run(opts)
    if run is None or service is None:
        return
    until = time.monotonic() + patience_s
    while not _is_known(run, service, until):
        time.sleep(AGAIN_S)


def _is_known(run: str, service: Mapping[str, str], until: float) -> bool:
    try:
        Door(service).run(run)
    except NotFound:  # a service of an older version is not asked that
        return True
    except Unavailable:
        if time.monotonic() + AGAIN_S > until:
            raise
        return False
    return True
