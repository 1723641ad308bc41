"""Reports the bots' health: at once on a change, otherwise at a slow heartbeat. The spool keeps reports until delivery."""

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.bots.health import EVENT_TYPE
from pillar_service.core.errors import Full, Unavailable
from pillar_service.core.events.submission import Priority, event_id
from pillar_service.node.lastgood import Kept
from pillar_service.node.paths import Home
from pillar_service.node.sampler import Sampler
from pillar_service.node.spool import Place, Spool
from pillar_service.node.told import Told

SAMPLE_S = 1.2
"""Seconds that a sample may take: the beacon runs in the minion's own loop."""
REFRESH_EVERY_S = 60.0
MOST_BOTS = 250
"""The most bots in one event: each takes about 400 bytes, and an event may have 240 KiB."""
STREAM = "health"

_running: dict[tuple[str, Home], "Reporter"] = {}


def reporter(node: str, home: Home, pki: Path) -> "Reporter":
    """This process's only reporter for a node, which stays when Salt reloads its beacon file."""
    if (node, home) not in _running:
        _running[node, home] = Reporter(node, home, pki)
    return _running[node, home]


def of_minion(opts: Mapping[str, Any]) -> "Reporter":
    """The reporter of the minion with this configuration."""
    return reporter(opts["id"], Home.at((opts.get("saltcellar") or {}).get("data")), Path(opts["pki_dir"]))


class Reporter:
    """Samples the bots and puts reports into the spool; the minion's key is in the folder ``pki``."""

    def __init__(self, node: str, home: Home, pki: Path) -> None:
        self.node = node
        self._sampler, self._spool, self._kept = Sampler(node, home), Spool(home), Kept(home, node, pki)
        self._last_shape: object = None
        self._last_at = self._refreshed_at = float("-inf")

    def keep(self, pillar: Mapping[str, Any]) -> None:
        """Keep the pillar for the agent, which is another process; on a full disk the last one stays."""
        with contextlib.suppress(OSError, Unavailable):
            self._kept.keep(pillar)

    def tick(
        self, told: Told, heartbeat_s: float, refresh: Callable[[], object]
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Look at the bots once; returns the events that are due, and why they could not be kept (or None).

        ``refresh`` is called, at most once a minute, if the pillar does not say where the service is.
        """
        data, now = self._sampler.sample(self._newest(told), SAMPLE_S), time.monotonic()
        if told.service is None and now - self._refreshed_at >= REFRESH_EVERY_S:
            self._refreshed_at = now
            refresh()
        if _shape(data) == self._last_shape and now - self._last_at < heartbeat_s:
            return [], None
        self._last_shape, self._last_at = _shape(data), now
        told = [self._told(part) for part in _parts(data)]
        return [event for event, _ in told], next((why for _, why in told if why), None)

    def _told(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        try:
            return self._event(data, self._put(data)), None
        except Full as error:
            return self._event(data, Place(0, 0)), error.sentence

    def _newest(self, told: Told) -> Told:
        """The kept pillar, or ``told``: the minion's is as old as its last refresh, while each state run keeps its own."""
        kept = self._kept.told()
        return told if kept.problem else kept

    def _put(self, data: Mapping[str, Any]) -> Place:
        try:
            return self._spool.put(EVENT_TYPE, self.node, data, stream=STREAM, priority=Priority.LOW)
        finally:
            self._spool.close()  # the minion forks a process for each job, which must inherit no connection

    def _event(self, data: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """A CloudEvent (version 1.0 of the specification) for Salt's bus."""
        return {
            "specversion": "1.0",
            "type": EVENT_TYPE,
            "source": self.node,
            "id": event_id(self.node, *place),
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "datacontenttype": "application/json",
            "data": data,
        }


def _parts(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A report in parts that fit into an event: some of the bots in each, and the node in every one."""
    bots = data["bots"]
    for at in range(0, len(bots) or 1, MOST_BOTS):
        yield {**data, "bots": bots[at : at + MOST_BOTS]}


def _shape(data: Mapping[str, Any]) -> object:
    """The part of a report whose change is told at once."""
    bots = [(bot["bot"], bot["status"], bot["health"], bot["answers"]) for bot in data["bots"]]
    return data["node"]["docker"], tuple(data["node"]["unlisted"]), tuple(bots)
