"""Retention: removing what is kept only for some days. It goes in small batches, so that no writer waits for long."""

import time

from pillar_service.core.durations import DAY_S
from pillar_service.core.events.events import Kind
from pillar_service.settings import settings
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.events import events, held
from pillar_service.store.jobs import old_jobs
from pillar_service.store.nodes import facts
from pillar_service.store.service import audit
from pillar_service.usecases.bots import series
from pillar_service.usecases.events import forgetting
from pillar_service.usecases.nodes import presence
from pillar_service.usecases.service import auditing, jumps

ROWS = 1000
"""How many lines, runs, events, fact changes or audit rows one transaction removes at most."""

JOBS = 50
"""How many jobs, with their parts, one transaction removes."""

BOTS = 100
"""The figures of how many bots one transaction removes."""

WORKS_S = 120.0
"""How long one call works, in seconds; the next does the rest."""


def forget(actor: str, works_s: float = WORKS_S) -> dict[str, int]:
    """Remove what is older than the settings allow; returns how many {"jobs", "lines", "runs", "audit", "events"} went.

    A job goes only once it is over, counted from its end, with its lines, parts, challenges, runs, and where Slack
    shows it. It stays while its tar exists. Fact changes of nodes go with events of that kind, and count as events. Not
    counted are conversations without a job, and figures of bots, which go even if nobody hears of the bot any more.
    Repeating it does no harm; what is left after ``works_s`` seconds goes next time.
    Raises Conflict if the clock jumped recently: then only what exceeds a limit on amount goes, whatever its age.
    """
    now, until = time.time(), time.monotonic() + works_s
    gone = {"jobs": 0, "lines": 0, "runs": 0, "audit": 0, "events": 0}
    presence.listening(now)  # notices a clock that has jumped before anything relies on it
    try:
        jumps.refuse_after_one(now)
        _forget_old(actor, now, until, gone)
    finally:
        _forget_too_much(now, until, gone)
    return gone


def _forget_old(actor: str, now: float, until: float, gone: dict[str, int]) -> None:
    kept = settings()
    _forget_figures(now, until)
    if kept.keep_jobs_days:
        then = now - kept.keep_jobs_days * DAY_S
        for some in (_forget_jobs, _forget_runs, _forget_conversations):
            while time.monotonic() < until and some(then, gone):
                pass
    if kept.keep_audit_days:
        while time.monotonic() < until and _cut_audit(actor, now - kept.keep_audit_days * DAY_S, now, gone):
            pass
    for kind, days in kept.keep_events_days.items():
        while days and time.monotonic() < until and _forget_events(kind, now - days * DAY_S, now, gone):
            pass


def _forget_figures(now: float, until: float) -> None:
    """Remove old figures of bots, until the monotonic moment ``until`` at most."""
    known = bots.ids()
    for first in range(0, len(known), BOTS):
        if time.monotonic() >= until:
            return
        with transaction():
            series.expire(known[first : first + BOTS], now)


def _forget_events(kind: str, then: float, now: float, gone: dict[str, int]) -> bool:
    with transaction():
        old = events.old(kind, then, ROWS)
        counts = [forgetting.forget(old, now), facts.forget(then, ROWS) if kind == Kind.FACTS else 0]
    gone["events"] += sum(counts)
    return ROWS in counts


def _forget_too_much(now: float, until: float, gone: dict[str, int]) -> None:
    """Remove the oldest events of nodes that have more than allowed, for example since the setting was made smaller."""
    for node in held.above(forgetting.most()) if forgetting.most() else ():
        count = 1
        while count and time.monotonic() < until:
            with transaction():
                count = forgetting.forget_oldest(node, now)
            gone["events"] += count


def _forget_jobs(then: float, gone: dict[str, int]) -> bool:
    with transaction():
        ids = old_jobs.ended_before(then, JOBS)
        lines = old_jobs.forget_lines(ids, ROWS)
        gone["lines"] += lines
        if lines < ROWS:
            gone["jobs"] += old_jobs.forget(ids)
    return bool(ids)


def _forget_runs(then: float, gone: dict[str, int]) -> bool:
    with transaction():
        count = old_jobs.forget_runs(then, ROWS)
    gone["runs"] += count
    return count == ROWS


def _forget_conversations(then: float, _: dict[str, int]) -> bool:
    """Remove what was written to somebody in Slack without a job of theirs there: an output, a private answer."""
    with transaction():
        return old_jobs.forget_conversations(then, ROWS) == ROWS


def _cut_audit(actor: str, then: float, now: float, gone: dict[str, int]) -> bool:
    with transaction():
        rows = audit.oldest(then, ROWS)
        if rows:
            audit.cut(rows[-1])
            auditing.record(actor, "audit.cut", "audit", now, f"rows up to {rows[-1].n}, {rows[-1].chain}")
    gone["audit"] += len(rows)
    return len(rows) == ROWS
