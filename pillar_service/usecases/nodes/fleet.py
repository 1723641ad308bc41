"""The fleet over time: bots by state, jobs by result, and what each node carries."""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import health
from pillar_service.core.errors import Invalid
from pillar_service.core.people.agents import Actual
from pillar_service.store.nodes import fleet
from pillar_service.store.service import figures

EVERY_S = 900
"""How often the bots are counted, as long as any node reports."""

KEPT_S = 366 * 86_400

SPANS = {1: (900, 3_600), 7: (7_200, 21_600), 30: (28_800, 86_400)}
"""For a chart of so many days: the steps between counts of bots and between counts of jobs, in seconds."""


def note(now: float) -> None:
    """Count the bots by state, at most once every EVERY_S seconds, in the transaction that takes a report."""
    at = int(now // EVERY_S) * EVERY_S
    if not fleet.is_counted(at):
        fleet.count(at, now - health.LOST_AFTER_S, [str(state) for state in health.SETTLED], str(Actual.LOST))
        fleet.forget(at - KEPT_S)


def over_time(days: object) -> dict[str, Any]:
    """Return {"days", "bots", "jobs"}: bots by state and ended jobs by result over the last ``days`` days; raises Invalid.

    Both are lists of {"at", "counts"}, one per step; the counts of bots are None for steps at which nobody counted.
    """
    span = names.whole_number(days, "number of days", 1, max(SPANS))
    if span not in SPANS:
        raise Invalid(f"There are charts of {', '.join(map(str, SPANS))} days, not of {span}.")
    now = time.time()
    bots_every, jobs_every = SPANS[span]
    at_bots, at_jobs = _steps(now, span, bots_every), _steps(now, span, jobs_every)
    counted: dict[int, dict[str, int]] = {}
    for at, state, count in fleet.counts(at_bots):
        counted.setdefault(at, {})[state] = count
    return {
        "days": span,
        "bots": [{"at": at, "counts": counted.get(at)} for at in at_bots],
        # One query per step: grouping a month of jobs by day in a single query takes more than twice as long.
        "jobs": [{"at": at, "counts": figures.ended_jobs(at, at + jobs_every)} for at in at_jobs],
    }


def _steps(now: float, days: int, every: int) -> range:
    last = int(now) // every * every
    return range(last - (days * 86_400 // every - 1) * every, last + 1, every)


def carried() -> list[dict[str, Any]]:
    """For each node with bots: how many it has, their memory and its limit, and their disk (bytes), as last reported."""
    nodes: dict[str, dict[str, Any]] = {}
    for name, limit_mb, told in fleet.carried():
        node = nodes.setdefault(name, {"node": name, "bots": 0, "memory_bytes": 0, "limit_bytes": 0, "disk_bytes": 0})
        report = told or {}
        node["bots"] += 1
        node["limit_bytes"] += limit_mb << 20
        node["memory_bytes"] += report.get("memory_bytes") or 0
        node["disk_bytes"] += report.get("disk_bytes") or 0
    return [nodes[name] for name in sorted(nodes)]
