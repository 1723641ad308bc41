"""Looks at every bot of this node within a bounded time, and reports what it saw."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.bots.happenings import plain
from pillar_service.core.bots.health import STATUSES
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.people.agents import Desired
from pillar_service.node import containers, control, disk, pulses, usage
from pillar_service.node.counters import Counters
from pillar_service.node.inspections import Inspections
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

PATIENCE_S = 0.4
"""Seconds after which a pub counts as not answering."""
DISK_EVERY_S, COUNTED_S = 60.0, 0.5
"""Seconds between counts of a bot's disk space, which read a whole folder, and seconds that one may take: the minion waits."""

ERROR = 500
"""How many characters of Docker's error the service takes."""

Report = dict[str, Any]


class Sampler:
    """Samples the bots of one node.

    A bot that it can't look at in time is reported as at the time before, and looked at first the next time. Only one sampler
    of a node may ``keep`` the counters on disk.
    """

    def __init__(self, node: str, home: Home, keep: bool = True) -> None:
        self.node, self.home, self._keep = node, home, keep
        self._counters, self._inspections = Counters(home.state), Inspections()
        self._reports: dict[str, Report] = {}
        self._looked: dict[str, float] = {}
        self._disk: dict[str, tuple[float, int]] = {}

    def sample(self, told: Told, budget_s: float = 1.2) -> dict[str, Any]:
        """The report on the node and its bots, as events carry it; takes at most about ``budget_s`` seconds."""
        until = time.monotonic() + budget_s
        try:
            with containers.engine(timeout_s=max(0.1, budget_s)) as client:
                found = containers.ours(client, self.node)
                self._look(client, found, self._wanted(told, found), until)
        except SaltcellarError as error:
            return {"node": {"docker": False, "error": plain(error.sentence)[:ERROR], "unlisted": []}, "bots": []}
        strangers = (
            [] if told.problem else [containers.name(one) for bot, one in found.items() if bot not in told.known]
        )
        node = {"docker": True, "error": told.problem, "unlisted": sorted(strangers)}
        return {"node": node, "bots": [self._reports[bot] for bot in sorted(self._reports)]}

    def _wanted(self, told: Told, found: Mapping[str, Any]) -> list[str]:
        """The bots to report: those found, and those in the pillar that should be there.

        A bot that is found but not in the pillar may just be newer than this pillar; the service knows.
        """
        listed = {bot for bot, entry in told.bots.items() if entry["state"] != Desired.ABSENT}
        return sorted(listed | set(found))

    def _look(self, client: Any, found: Mapping[str, Any], wanted: list[str], until: float) -> None:
        self._reports = {bot: report for bot, report in self._reports.items() if bot in wanted}
        self._looked = {bot: self._looked.get(bot, float("-inf")) for bot in wanted}
        for bot in sorted(wanted, key=self._looked.__getitem__):
            if time.monotonic() > until:
                break
            self._looked[bot] = time.monotonic()
            self._reports[bot] = self._report(client, bot, found.get(bot))
        if self._keep:
            with contextlib.suppress(OSError):
                self._counters.save(set(wanted) | set(found))

    def _report(self, client: Any, bot: str, listed: Mapping[str, Any] | None) -> Report:
        report: Report = {
            "bot": bot,
            "status": "missing",
            "health": "none",
            "answers": False,
            "uptime_s": 0,
            "disk_bytes": self._disk_bytes(bot),
            "memory_bytes": 0,
            "memory_limit_bytes": 0,
            "peers": 0,
            "follows": None,
            "pub_id": None,
            "sequence": None,
            "version": None,
            "at": int(time.time()),
        }
        if listed is not None:
            with contextlib.suppress(SaltcellarError):
                report |= self._seen(client, bot, listed)
        if report["status"] == "running":
            report |= self._told_by_pub(bot)
        return report | self._counters.totals(bot)

    def _seen(self, client: Any, bot: str, listed: Mapping[str, Any]) -> Report:
        """What Docker and the kernel say about a container."""
        with containers.errors():
            inspected = self._inspections.of(listed["Id"], listed, client.inspect_container)
        state = inspected["State"]
        pid = int(state["Pid"]) if state["Running"] else 0
        self._count(bot, inspected, pid)
        return {
            "status": state["Status"] if state["Status"] in STATUSES else "dead",
            "health": pulses.health(inspected),
            "uptime_s": containers.uptime_s(inspected),
            "memory_bytes": usage.memory_bytes(pid) if pid else 0,
            "memory_limit_bytes": inspected["HostConfig"]["Memory"],
        }

    def _count(self, bot: str, inspected: Mapping[str, Any], pid: int) -> None:
        container, started = inspected["Id"], inspected["State"]["StartedAt"]
        self._counters.started(bot, container, started, inspected["RestartCount"])
        if pid and (traffic := usage.traffic(pid)):
            read = dict(zip(("rx_bytes", "tx_bytes"), traffic, strict=True))
            self._counters.add(bot, read, dict.fromkeys(read, started))

    def _told_by_pub(self, bot: str) -> Report:
        try:
            return {"answers": True, **control.pub(self.home.bot(bot), PATIENCE_S)}
        except SaltcellarError:
            return {"answers": False}

    def _disk_bytes(self, bot: str) -> int:
        counted_at, used = self._disk.get(bot, (-DISK_EVERY_S, 0))
        if time.monotonic() - counted_at < DISK_EVERY_S:
            return used
        with contextlib.suppress(OSError):
            used = disk.used_bytes(self.home.bot(bot), COUNTED_S)
        self._disk[bot] = (time.monotonic(), used)
        return used
