"""The fleet over time: bots by state, jobs by result, and what each node carries."""

import time
from collections.abc import Iterable
from typing import Any

from pillar_service.core import health, names
from pillar_service.core.agents import Actual
from pillar_service.core.errors import Invalid
from pillar_service.store import figures, fleet

EVERY_S = 900
"""How often the bots are counted, as long as any node reports."""

KEPT_S = 366 * 86_400

SPANS = {1: (900, 3_600), 7: (7_200, 21_600), 30: (28_800, 86_400)}
"""For a chart of so many days: the steps between counts of bots and between counts of jobs, in seconds."""

Moments = list[dict[str, Any]]
"""{"at", "counts"} for each step, counts by state; None where nothing is known."""


def note(now: float) -> None:
    """Count the bots by state, once in a quarter of an hour, in the transaction that takes a report."""
    at = int(now // EVERY_S) * EVERY_S
    if not fleet.is_counted(at):
        fleet.count(at, now - health.LOST_AFTER_S, [str(state) for state in health.SETTLED], str(Actual.LOST))
        fleet.forget(at - KEPT_S)


def over_time(days: object = 1) -> dict[str, Any]:
    """{"days", "bots", "jobs"}: bots by state and ended jobs by result, over so many days; raises Invalid."""
    span = names.whole_number(days, "number of days", 1, max(SPANS))
    if span not in SPANS:
        raise Invalid(f"There are charts of {', '.join(map(str, SPANS))} days, not of {span}.")
    now = time.time()
    bots_every, jobs_every = SPANS[span]
    at_bots, at_jobs = _steps(now, span, bots_every), _steps(now, span, jobs_every)
    ended = figures.ended_jobs(at_jobs[0], jobs_every)
    return {
        "days": span,
        "bots": _moments(at_bots, fleet.counts(at_bots), None),
        "jobs": _moments(at_jobs, ended, {}),
    }


def _steps(now: float, days: int, every: int) -> range:
    last = int(now) // every * every
    return range(last - (days * 86_400 // every - 1) * every, last + 1, every)


def _moments(steps: range, rows: Iterable[tuple[int, str, int]], nothing: dict[str, int] | None) -> Moments:
    counts: dict[int, dict[str, int]] = {}
    for at, state, count in rows:
        counts.setdefault(at, {})[state] = count
    return [{"at": at, "counts": counts.get(at, nothing)} for at in steps]


def carried() -> list[dict[str, Any]]:
    """For each node with bots: how many, their memory and its limit, their disk (bytes), as last reported."""
    told: dict[str, dict[str, Any]] = {}
    for bot in fleet.carried():
        node = told.setdefault(
            bot.node, {"node": bot.node, "bots": 0, "memory_bytes": 0, "limit_bytes": 0, "disk_bytes": 0}
        )
        report = bot.report or {}
        node["bots"] += 1
        node["limit_bytes"] += bot.memory_mb << 20
        node["memory_bytes"] += report.get("memory_bytes") or 0
        node["disk_bytes"] += report.get("disk_bytes") or 0
    return [told[node] for node in sorted(told)]
