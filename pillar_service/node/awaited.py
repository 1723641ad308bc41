"""Whether somebody still waits for what this process carries out.

A node that was frozen, or had half a connection, finds what was published to it when it wakes up: its jobs may be over by then.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import NotFound
from pillar_service.node import tracing
from pillar_service.node.door import Door


def require(opts: Mapping[str, Any], service: Mapping[str, str] | None) -> None:
    """Raises Conflict when nobody does, and Unavailable when that can't be known. What is called by hand is waited for."""
    run = tracing.run(opts)
    if run is not None and service is not None:
        with contextlib.suppress(NotFound):  # a service of an older version is not asked that
            Door(service).run(run)
