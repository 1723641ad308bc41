"""When to report, and to whom: on a change at once, otherwise on a slow heartbeat."""

import contextlib
import datetime
import time
from collections.abc import Callable, Mapping
from typing import Any

from pillar_service.core.errors import SaltcellarError, Unauthenticated
from pillar_service.core.health import EVENT_TYPE
from pillar_service.node.executor import capacities, leftovers
from pillar_service.node.lastgood import Kept
from pillar_service.node.outbox import Outbox
from pillar_service.node.paths import Home
from pillar_service.node.sampler import Sampler
from pillar_service.node.told import Told

SAMPLE_S, DELIVER_S, LINES_S = 1.2, 0.5, 0.2
"""The beacon runs in the minion's own loop: together they stay under 2 s."""
REFRESH_EVERY_S = LOOK_EVERY_S = 60.0

_running: dict[tuple[str, Home], "Reporter"] = {}


def reporter(node: str, home: Home) -> "Reporter":
    """The one reporter of this process for a node: Salt loads its beacon anew whenever it likes, this stays."""
    if (node, home) not in _running:
        _running[node, home] = Reporter(node, home)
    return _running[node, home]


class Reporter:
    """Samples, makes CloudEvents of it, delivers them through the node's door."""

    def __init__(self, node: str, home: Home) -> None:
        self.node = node
        self._sampler, self._outbox = Sampler(node, home), Outbox(home.state / "outbox")
        self._epoch, self._serial = int(time.time()), 0
        self._last_shape: object = None
        self._home, self._kept = home, Kept(home, node)
        self._last_at = self._refreshed_at = self._looked_at = float("-inf")

    def keep(self, pillar: Mapping[str, Any]) -> None:
        """Keep the pillar for the agent, which is another process; with a full disk it goes on with the one before."""
        with contextlib.suppress(OSError):
            self._kept.keep(pillar)

    def tick(
        self, told: Told, heartbeat_s: float, refresh: Callable[[], object]
    ) -> tuple[list[dict[str, Any]], str | None]:
        """One look at the bots: the events that are due, and why they could not be delivered (or None).

        ``refresh`` is called, at most once a minute, when the pillar does not say where the service is, or when its
        token is no longer taken.
        """
        data, now = self._sampler.sample(told, SAMPLE_S), time.monotonic()
        due = _shape(data) != self._last_shape or now - self._last_at >= heartbeat_s
        events = [self._event(data)] if due else []
        if due:
            self._last_shape, self._last_at = _shape(data), now
        if told.service is None:
            self._refresh(refresh, now)
            return events, None
        try:
            self._outbox.deliver(told.service, DELIVER_S)
        except SaltcellarError as error:
            if isinstance(error, Unauthenticated):
                self._refresh(refresh, now)
            return events, error.sentence
        self._of_commands(told, now)
        return events, None

    def _of_commands(self, told: Told, now: float) -> None:
        """What the executor has to tell, now that the service answers; a full disk does not stop the reports."""
        with contextlib.suppress(OSError):
            leftovers.deliver(self._home, told, LINES_S)
            if now - self._looked_at >= LOOK_EVERY_S:
                self._looked_at = now
                capacities.tell(self._home, told)

    def _refresh(self, refresh: Callable[[], object], now: float) -> None:
        if now - self._refreshed_at >= REFRESH_EVERY_S:
            self._refreshed_at = now
            refresh()

    def _event(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A CloudEvent (version 1.0 of the specification), already in the outbox."""
        self._serial += 1
        event = {
            "specversion": "1.0",
            "type": EVENT_TYPE,
            "source": self.node,
            "id": f"{self.node}/{self._epoch}/{self._serial}",
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "datacontenttype": "application/json",
            "data": data,
        }
        self._outbox.add(event, f"{self._epoch:012d}-{self._serial:09d}")
        return event


def _shape(data: Mapping[str, Any]) -> object:
    """What makes a report worth telling at once when it changes."""
    bots = [(bot["bot"], bot["status"], bot["health"], bot["answers"]) for bot in data["bots"]]
    return data["node"]["docker"], tuple(data["node"]["unlisted"]), tuple(bots)
