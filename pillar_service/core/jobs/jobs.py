"""A job's life.

asked -> queued -> claimed -> running -> succeeded | failed (also if killed) | timed_out | lost
  |        |         |          └-> queued       never published or begun, or safe to run twice
  |        |         └-> queued                  the master that claimed it went away before it published it
  |        └-> cancelled | timed_out | failed    (a claimed job can still be cancelled; a running one can be killed)
  └-> cancelled | timed_out | failed             no yes, no code or no approval came; or somebody said no

A waiting job fails if it may not run as it was asked for any more: because its command or the roles have changed, or
because its bot can't do it now.

A job on several nodes has a part on each of them, which is itself a job. The job runs nothing itself; its state follows
from those of its parts.
"""

from collections.abc import Collection
from enum import StrEnum

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, TooMany


class JobState(StrEnum):
    ASKED = "asked"
    QUEUED = "queued"
    CLAIMED = "claimed"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"


WAITING = frozenset({JobState.ASKED, JobState.QUEUED, JobState.CLAIMED})
"""States in which a job has not started, and can be cancelled."""

OPEN = WAITING | {JobState.RUNNING}
OVER = frozenset(JobState) - OPEN

NEXT: dict[JobState, frozenset[JobState]] = {
    JobState.ASKED: frozenset({JobState.QUEUED, JobState.CANCELLED, JobState.TIMED_OUT, JobState.FAILED}),
    JobState.QUEUED: frozenset({JobState.CLAIMED, JobState.CANCELLED, JobState.TIMED_OUT, JobState.FAILED}),
    JobState.CLAIMED: frozenset({JobState.RUNNING, JobState.QUEUED, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.TIMED_OUT, JobState.LOST, JobState.QUEUED}
    ),
} | {state: frozenset() for state in OVER}

URGENT, NORMAL, LOW = 0, 5, 9
"""Priorities. Urgent jobs (those that stop something) do not wait for room on their node."""

MAX_ATTEMPTS = 3
"""How often a job that is safe to run twice is tried in all."""

QUEUED_FOR_S = DAY_S
"""A job that no master claims within this many seconds times out, so that it does not surprise anybody days later."""

NO_MASTER = "No master is asking for jobs: this one waits until salt-master and its dispatcher run again."
"""Why a job waits although its node may be there (issue 1: if the master is away, say so where the person looks)."""

CLAIM_LEASE_S = 60.0
"""A run that its master has claimed, but not started within this many seconds, is given back."""


MOST_OF_BOT = 100
"""How many jobs of one bot may be open when people ask for another: each claim reads all of them, so more would delay
everybody."""


class Reason(StrEnum):
    """Why a run did not complete what was asked for, though nothing in it failed."""

    NOT_PUBLISHED = "not_published"
    NO_RETURN = "no_return"
    NODE_AWAY = "node_away"
    NOT_RUNNING = "not_running"
    OLD_PILLAR = "old_pillar"
    NOT_BEGUN = "not_begun"


def step(now: JobState, to: JobState) -> JobState:
    """The new state, if a job may go there from its present one; raises Conflict otherwise."""
    if to in NEXT[now]:
        return to
    if to is now:
        raise Conflict(f"The job is already {now}.")
    raise Conflict(f"A job that is {now} can't become {to}.")


def refuse_too_many(there: int) -> None:
    """Raise TooMany if ``there``, the number of a bot's open jobs, has reached the limit."""
    if there >= MOST_OF_BOT:
        raise TooMany(f"{there} of this bot's jobs are not over yet: wait for one to end, or cancel one.")


def require_cancellable(now: JobState) -> None:
    """Raise Conflict if a job can't be cancelled any more: it runs, or is over."""
    if now in OVER:
        raise Conflict(f"This job is over ({now}): there is nothing left to cancel.")
    if JobState.CANCELLED not in NEXT[now]:
        raise Conflict("This job is running and can't be cancelled: wait until it is over.")


def after_failure(reason: Reason, retry_safe: bool, attempts: int) -> JobState:
    """The next state of a job whose run did not complete what was asked for.

    A run that was never published or begun may always be repeated; one that may have run, only if its command is safe
    to run twice.
    """
    may_repeat = reason in (Reason.NOT_PUBLISHED, Reason.NOT_BEGUN) or retry_safe
    if may_repeat and attempts < MAX_ATTEMPTS:
        return JobState.QUEUED
    if reason in (Reason.NOT_PUBLISHED, Reason.NODE_AWAY, Reason.OLD_PILLAR, Reason.NOT_BEGUN):
        return JobState.FAILED
    return JobState.TIMED_OUT if reason is Reason.NO_RETURN else JobState.LOST


def of_parts(states: Collection[JobState]) -> JobState:
    """The state of a job whose parts are in these states: over once all are over, succeeded only if all did."""
    if any(state in OPEN for state in states):
        return JobState.QUEUED if all(state == JobState.QUEUED for state in states) else JobState.RUNNING
    for worst in (JobState.FAILED, JobState.LOST, JobState.TIMED_OUT, JobState.CANCELLED):
        if worst in states:
            return worst
    return JobState.SUCCEEDED
