"""Measuring: what is counted when it happens (once it is committed), and what is read when Prometheus asks."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import ClassVar, ParamSpec, TypeVar

from pillar_service import __version__
from pillar_service.core import health
from pillar_service.core.agents import Actual
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs import OPEN, JobState
from pillar_service.core.presence import State
from pillar_service.metrics import counting, families, telling
from pillar_service.metrics.telling import Values
from pillar_service.settings import settings
from pillar_service.store import figures, standings
from pillar_service.store.database import after_commit
from pillar_service.store.jobs import Job

Given = ParamSpec("Given")
Found = TypeVar("Found")

TYPE = telling.TYPE

FRESH_S = 5.0
"""For how long what was read from the database is told again."""


def begin(app: str) -> None:
    """A server begins, before it forks its workers: what they count is added up, also when one of them dies."""
    counting.begin(settings().metrics_folder, app)


work_begins = counting.work_begins
work_ended = counting.work_ended


def received(command: str) -> None:
    """A job was asked for, of a command that core or the catalogue knows; counted when it is committed."""
    after_commit(lambda: counting.count(families.RECEIVED, command))


def rejected(error: SaltcellarError) -> None:
    """A command was refused; the same error, passed on, counts once."""
    if not hasattr(error, "is_counted"):
        error.is_counted = True  # type: ignore[attr-defined]
        counting.count(families.REJECTED, error.title)


def counts_refusals(asked: Callable[Given, Found]) -> Callable[Given, Found]:
    """A decorator: what this raises is counted as refused."""

    @wraps(asked)
    def counting_asked(*given: Given.args, **named: Given.kwargs) -> Found:
        try:
            return asked(*given, **named)
        except SaltcellarError as error:
            rejected(error)
            raise

    return counting_asked


def ended(job: Job, state: JobState, now: float) -> None:
    """A job that ran on one place is over; counted when it is committed. One that never started took no time."""
    if job.started_at is not None and not job.parts:
        length_s, command = max(0.0, now - job.started_at), job.command
        after_commit(lambda: counting.observe(families.DURATION, length_s, command, str(state)))


def otp(outcome: str) -> None:
    """A code was given: `taken`, `wrong` or `locked_out`."""
    counting.count(families.OTP, outcome)


def slack_call(method: str, outcome: str) -> None:
    """The Web API was called (`chat.postMessage`): `ok`, `rate_limited`, `error` or `no_answer`."""
    counting.count(families.SLACK, method, outcome)


class _Last:
    """What was read last."""

    at = -FRESH_S
    values: ClassVar[Values] = {}
    lock = threading.Lock()


def text() -> bytes:
    """All metrics, as Prometheus reads them."""
    with _Last.lock:
        if time.monotonic() - _Last.at >= FRESH_S:
            _Last.values, _Last.at = read(time.time()), time.monotonic()
        values = _Last.values
    return telling.text(settings().metrics_folder, values)


def read(now: float) -> Values:
    """What the database tells now, by family and label values."""
    jobs, silent_since = figures.open_jobs(), now - health.LOST_AFTER_S
    settled = [str(state) for state in health.SETTLED]
    bots = dict.fromkeys(map(str, Actual), 0) | figures.bots(silent_since, settled, str(Actual.LOST))
    leases, oldest, nodes = figures.leases(), figures.oldest_queued(), standings.counts()
    return {
        families.JOBS: {(str(state),): jobs.get(state, (0, 0.0))[0] for state in JobState if state in OPEN},
        families.QUEUE_AGE: {(): 0.0 if oldest is None else max(0.0, now - oldest)},
        families.NODES: {(str(state),): nodes.get(state, 0) for state in State},
        families.BOTS: {(state,): count for state, count in bots.items()},
        families.OUTBOX: {(to,): count for to, count in figures.outboxes().items()},
        families.LEASE: {(name, holder): float(expires > now) for name, holder, _, expires in leases},
        families.FENCE: {(name,): fence for name, _, fence, _ in leases},
        families.BUILD: {(__version__, figures.kind()): 1},
    }
