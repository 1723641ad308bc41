"""The duty `commands`: sends lines that could not be sent while their command ran, ends what commands left running, and
tells the service what this node has for running commands."""

import contextlib

from pillar_service.node.executor import capacities, leftovers
from pillar_service.node.lastgood import Known
from pillar_service.node.paths import Home

LOOK_EVERY_S = 60.0
BUDGET_S = 2.0


class Commands:
    """Runs every 5 s. If the service is away, it is told later; a full disk does not stop this duty."""

    name, every_s = "commands", 5.0

    def __init__(self, home: Home, known: Known) -> None:
        self._home, self._known, self._looked_at = home, known, float("-inf")

    def run(self, now_monotonic: float) -> None:
        """End leftover processes, send leftover lines, and once a minute report capacities."""
        with contextlib.suppress(OSError):
            leftovers.end(self._home)
        told = self._known()
        if told.service is None:
            return
        with contextlib.suppress(OSError):
            leftovers.deliver(self._home, told, BUDGET_S)
            if now_monotonic - self._looked_at >= LOOK_EVERY_S:
                self._looked_at = now_monotonic
                capacities.tell(self._home, told)
