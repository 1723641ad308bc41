"""Whether somebody still waits for what this process carries out.

A node that was frozen or half disconnected receives old jobs when it wakes up, which may be over by then.
"""

import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import NotFound, Unavailable
from pillar_service.node import tracing
from pillar_service.node.door import Door

PATIENCE_S, AGAIN_S = 30.0, 1.0
"""Seconds for which a service that is away is asked again, and the pause between tries: a restart takes it a few seconds."""


def require(opts: Mapping[str, Any], service: Mapping[str, str] | None, patience_s: float = PATIENCE_S) -> None:
    """Raise Conflict if nobody waits for this process's run any more, Unavailable if that can't be found out.

    A call by hand always passes, and so does every call if the service's address is unknown.
    """
    run = tracing.run(opts)
    if run is None or service is None:
        return
    until = time.monotonic() + patience_s
    while not _is_known(run, service, until):
        time.sleep(AGAIN_S)


def _is_known(run: str, service: Mapping[str, str], until: float) -> bool:
    try:
        Door(service).run(run)
    except NotFound:  # an older service does not have this address
        return True
    except Unavailable:
        if time.monotonic() + AGAIN_S > until:
            raise
        return False
    return True
