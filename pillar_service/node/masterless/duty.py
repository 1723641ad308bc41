"""The duty `converge`: pours bots again that should run and do not, even while master and service are away."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from pillar_service.core.errors import Forbidden, SaltcellarError, Unauthenticated
from pillar_service.core.events.submission import Lifecycle, Priority
from pillar_service.node import containers, stillness
from pillar_service.node.door import Door
from pillar_service.node.lastgood import Kept
from pillar_service.node.masterless import amiss
from pillar_service.node.masterless.states import States
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool

log = logging.getLogger(__name__)

HOLD_S = 20.0
"""Seconds that a bot must be amiss, with its entry in the pillar unchanged: a job or Docker itself may be working on it."""
AGAIN_S, SELDOM_S = 30.0, 1800.0
"""Seconds until the next try: after the first one, and at most."""

Apply = Callable[[Mapping[str, Any]], None]
"""Applies the kept states with a pillar; raises SaltcellarError."""


class Converging:
    """Runs every 5 s; puts what it did into the spool."""

    name, every_s = "converge", 5.0

    def __init__(self, home: Home, node: str, kept: Kept, states: States, apply: Apply, spool: Spool) -> None:
        self._home, self._node, self._kept = home, node, kept
        self._states, self._apply, self._spool = states, apply, spool
        self._since: dict[str, tuple[Any, float]] = {}
        self._due, self._pause = float("-inf"), AGAIN_S

    def run(self, now_monotonic: float) -> None:
        """Look for bots that are amiss, and pour again those that have been so for long enough."""
        bots = self._amiss(now_monotonic)
        if not self._since:
            self._due, self._pause = float("-inf"), AGAIN_S
        if not bots or now_monotonic < self._due or not self._may():
            return
        with stillness.nobody_holds(self._home) as free:
            if free:
                self._converge(bots)
                self._due, self._pause = now_monotonic + self._pause, min(2 * self._pause, SELDOM_S)

    def _amiss(self, now: float) -> list[str]:
        told = self._kept.told()
        try:
            with containers.engine() as client:
                found = amiss.found(told.bots, containers.ours(client, self._node))
        except SaltcellarError:
            found = []  # without Docker nothing can be known or done
        before = self._since
        self._since = {bot: (told.bots[bot], now) for bot in found}
        self._since |= {bot: before[bot] for bot in found if bot in before and before[bot][0] == told.bots[bot]}
        return [bot for bot, (_, since) in self._since.items() if now - since >= HOLD_S]

    def _may(self) -> bool:
        """Whether to go on: not if the service answers that this node's key is invalid, for its bots may live elsewhere."""
        try:
            Door(self._kept.told().service).configuration(timeout_s=5)
        except (Unauthenticated, Forbidden) as error:
            log.warning("converge: bots are left as they are. %s", error.sentence)
            return False
        except SaltcellarError:
            return True  # the service is away
        return True

    def _converge(self, bots: list[str]) -> None:
        try:
            self._states.check()
            self._apply(self._kept.pillar())
        except (SaltcellarError, OSError) as error:
            why = f"This node could not converge: {error.strerror}." if isinstance(error, OSError) else error.sentence
            log.warning("converge: %s", why)
            self._tell(Lifecycle.NOT_CONVERGED, {"bots": bots, "why": why})
        else:
            self._tell(Lifecycle.CONVERGED, {"bots": bots})

    def _tell(self, type: Lifecycle, data: dict[str, Any]) -> None:
        try:
            self._spool.put(type, self._node, data, stream="lifecycle", priority=Priority.VITAL)
        except SaltcellarError as error:
            log.warning("converge: %s could not be kept. %s", type, error.sentence)
