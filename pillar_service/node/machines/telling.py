"""Tells the service about machines and bundles, through the spool, which keeps the events while the service is away."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.events.submission import Priority
from pillar_service.core.machines import machines
from pillar_service.core.nodes import bundles

log = logging.getLogger(__name__)

ORDINARY, SHOUTS = ("machines", Priority.NORMAL), ("shouts", Priority.HIGH)
"""Two streams and their priorities: a flood of one does not push events of the other out of the spool."""

URGENT = frozenset({machines.Event.GAVE_UP, machines.Event.BROKEN, bundles.Event.REFUSED})


class Spool(Protocol):
    """Where events are kept until they are delivered."""

    def put(self, type: str, subject: str, data: Mapping[str, Any], *, stream: str, priority: Priority) -> Any:
        """Keep an event; raises Full if there is no room."""


class Telling:
    """Puts events into the spool; one that can't be kept is logged and counted, and stops nothing."""

    def __init__(self, spool: Spool) -> None:
        self._spool, self.lost = spool, 0

    def __call__(self, event: str, subject: str, data: Mapping[str, Any]) -> None:
        """Tell the service of an event about a subject (such as ``pub-healer/9e0f…``)."""
        try:
            stream, priority = SHOUTS if event in URGENT else ORDINARY
            self._spool.put(str(event), subject, data, stream=stream, priority=priority)
        except (SaltcellarError, OSError) as error:
            self.lost += 1
            log.warning("%s of %s could not be kept: %s", event, subject, error)
