"""Measuring: what is counted when it happens (once it is committed), and what is read when Prometheus asks."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import ClassVar, ParamSpec, TypeVar

from pillar_service import __version__
from pillar_service.core.bots import health
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs.jobs import OPEN, JobState
from pillar_service.core.nodes.presence import State
from pillar_service.core.people.agents import Actual
from pillar_service.metrics import counting, families, telling
from pillar_service.metrics.telling import Values
from pillar_service.settings import settings
from pillar_service.store.database import after_commit
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.nodes import standings
from pillar_service.store.service import figures
from pillar_service.usecases.service import backup_rounds, readiness

Given = ParamSpec("Given")
Found = TypeVar("Found")

TYPE = telling.TYPE

FRESH_S = 5.0
"""For how long, in seconds, figures read from the database are reused."""


def begin(app: str) -> None:
    """Begin counting in a server, before it forks its workers; their counts are added up, even those of one that dies."""
    counting.begin(settings().metrics_folder, app)


work_begins = counting.work_begins
work_ended = counting.work_ended


def received(command: str) -> None:
    """Count a job that was asked for, of a command that core or the catalogue knows, once it is committed."""
    after_commit(lambda: counting.count(families.RECEIVED, command))


def rejected(error: SaltcellarError) -> None:
    """Count a refused command; the same error, passed on, counts once."""
    if not hasattr(error, "is_counted"):
        error.is_counted = True  # type: ignore[attr-defined]
        counting.count(families.REJECTED, error.title)


def counts_refusals(asked: Callable[Given, Found]) -> Callable[Given, Found]:
    """A decorator that counts the errors which the function raises as refusals."""

    @wraps(asked)
    def counting_asked(*given: Given.args, **named: Given.kwargs) -> Found:
        try:
            return asked(*given, **named)
        except SaltcellarError as error:
            rejected(error)
            raise

    return counting_asked


def ended(job: Job, state: JobState, now: float) -> None:
    """Count a job without parts that is over, once that is committed; one that never started is not counted."""
    if job.started_at is not None and not job.parts:
        length_s, command = max(0.0, now - job.started_at), job.command
        after_commit(lambda: counting.observe(families.DURATION, length_s, command, str(state)))


def otp(outcome: str) -> None:
    """Count a second-factor code: `taken`, `wrong` or `locked_out`."""
    counting.count(families.OTP, outcome)


def answered(status: int) -> None:
    """Count a request that was answered with that HTTP status."""
    counting.count(families.ANSWERS, f"{status // 100}xx")


def slack_call(method: str, outcome: str) -> None:
    """Count a call of Slack's Web API (`chat.postMessage`): `ok`, `rate_limited`, `error` or `no_answer`."""
    counting.count(families.SLACK, method, outcome)


class _Last:
    """The figures that were read last."""

    at = -FRESH_S
    values: ClassVar[Values] = {}
    lock = threading.Lock()


def text() -> bytes:
    """All metrics, as Prometheus reads them."""
    with _Last.lock:
        if time.monotonic() - _Last.at >= FRESH_S:
            _Last.values, _Last.at = _looked(), time.monotonic()
        values = _Last.values
    return telling.text(settings().metrics_folder, values)


def _looked() -> Values:
    """The current figures; if the database is away at least that, which Prometheus should hear, too."""
    disks = readiness.disks().items()
    standing: Values = {
        families.BUILD: {(__version__, figures.kind()): 1},
        families.FREE: {(of,): disk.free for of, disk in disks},
        families.SIZE: {(of,): disk.total for of, disk in disks},
    }
    if readiness.missing():
        return {**standing, families.READY: {(): 0}}
    return {**standing, families.READY: {(): 1}, **read(time.time())}


def read(now: float) -> Values:
    """What the database says now, by family and label values."""
    jobs, silent_since = figures.open_jobs(), now - health.LOST_AFTER_S
    settled = [str(state) for state in health.SETTLED]
    bots = dict.fromkeys(map(str, Actual), 0) | figures.bots(silent_since, settled, str(Actual.LOST))
    leases, nodes, waiting = figures.leases(), standings.counts(), figures.outboxes()
    return {
        families.JOBS: {(str(state),): jobs.get(state, (0, 0.0))[0] for state in JobState if state in OPEN},
        families.QUEUE_AGE: {(): _since(figures.oldest_queued(), now)},
        families.NODES: {(str(state),): nodes.get(state, 0) for state in State},
        families.BOTS: {(state,): count for state, count in bots.items()},
        families.OUTBOX: {(to,): count for to, (count, _) in waiting.items()},
        families.OUTBOX_AGE: {(to,): _since(oldest, now) for to, (_, oldest) in waiting.items()},
        families.LEASE: {(name, holder): float(expires > now) for name, holder, _, expires in leases},
        families.FENCE: {(name,): fence for name, _, fence, _ in leases},
        **_of_masters_and_nodes(now),
        **_of_backups(now),
    }


def _of_backups(now: float) -> Values:
    found = backup_rounds.standing(now)
    return {
        families.BACKUP_AGE: {(one["kind"],): one["age_s"] for one in found},
        families.BACKUP_EVERY: {(one["kind"],): one["every_s"] for one in found},
    }


def _of_masters_and_nodes(now: float) -> Values:
    masters, (lag_s, offset_s) = figures.masters(), figures.node_clocks()
    return {
        families.SILENCE: {(one["name"],): _since(one["seen_at"], now) for one in masters if one["seen_at"]},
        families.HELD: {(one["name"],): one["held"] for one in masters},
        families.LAG: {(): lag_s},
        families.OFFSET: {(): offset_s},
        families.NODE_EVENTS: {(fate,): count for fate, count in figures.node_events().items()},
    }


def _since(then: float | None, now: float) -> float:
    return 0.0 if then is None else max(0.0, now - then)
