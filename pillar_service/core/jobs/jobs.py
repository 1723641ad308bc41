"""A job's life.

asked -> queued -> claimed -> running -> succeeded | failed (killed, too) | timed_out | lost
  |        |         |          └-> queued       never published or begun, or running it twice is safe
  |        |         └-> queued                  the master that claimed it went away before it published
  |        └-> cancelled | timed_out | failed    (a claimed job can still be cancelled; a running one can be killed)
  └-> cancelled | timed_out | failed             no yes, no code, or no approval came; or somebody said no

What waits fails when it may not run any more as it was asked for: its command is another now, or the roles are; or when it is
asked of a bot that can't do it now.

A job on several nodes has a part on each, a job of its own; it runs nothing itself and stands as its parts do.
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
"""States in which a job does not run yet, and can be cancelled."""

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
"""Priorities. What is urgent (stopping something) does not wait for room on its node."""

MAX_ATTEMPTS = 3
"""How often a job that is safe to run twice is tried in all."""

QUEUED_FOR_S = DAY_S
"""A job that no master claims for this long is timed out, so that it does not surprise anybody days later."""

NO_MASTER = "No master asks for jobs: it waits until salt-master, with its dispatcher, runs again, and happens then."
"""Why a job waits though its node may be there (issue 1: with the master away, a sentence where the person looks)."""

CLAIM_LEASE_S = 60.0
"""A claimed run that its master did not start for this long is given back."""


MOST_OF_BOT = 100
"""So many jobs of one bot may be open when people ask for another: each claim reads all of them, and everybody waits for it."""


class Reason(StrEnum):
    """Why a run did not bring what was asked for to an end, though nothing in it failed."""

    NOT_PUBLISHED = "not_published"
    NO_RETURN = "no_return"
    NODE_AWAY = "node_away"
    NOT_RUNNING = "not_running"
    OLD_PILLAR = "old_pillar"
    NOT_BEGUN = "not_begun"


def step(now: JobState, to: JobState) -> JobState:
    """The new state, if a job may go there from where it is; raises Conflict otherwise."""
    if to in NEXT[now]:
        return to
    if to is now:
        raise Conflict(f"The job is {now} already.")
    raise Conflict(f"A job that is {now} can't become {to}.")


def refuse_too_many(there: int) -> None:
    """Raises TooMany for a bot of which so many jobs are not over yet."""
    if there >= MOST_OF_BOT:
        raise TooMany(f"{there} jobs of this bot are not over yet: wait until some are, or cancel some.")


def require_cancellable(now: JobState) -> None:
    """Raises Conflict for a job that runs or is over: that can't be cancelled any more."""
    if now in OVER:
        raise Conflict(f"This job is over ({now}): there is nothing left to cancel.")
    if JobState.CANCELLED not in NEXT[now]:
        raise Conflict("This job runs already, and can't be called back: wait until it is over.")


def after_failure(reason: Reason, retry_safe: bool, attempts: int) -> JobState:
    """Where a run that did not come to an end goes.

    What was never published may always be tried again; what may have run, only where its command says that it may.
    """
    may_repeat = reason in (Reason.NOT_PUBLISHED, Reason.NOT_BEGUN) or retry_safe
    if may_repeat and attempts < MAX_ATTEMPTS:
        return JobState.QUEUED
    if reason in (Reason.NOT_PUBLISHED, Reason.NODE_AWAY, Reason.OLD_PILLAR, Reason.NOT_BEGUN):
        return JobState.FAILED
    return JobState.TIMED_OUT if reason is Reason.NO_RETURN else JobState.LOST


def of_parts(states: Collection[JobState]) -> JobState:
    """How a job stands whose parts stand like this: over once all are, and it worked only if all did."""
    if any(state in OPEN for state in states):
        return JobState.QUEUED if all(state == JobState.QUEUED for state in states) else JobState.RUNNING
    for worst in (JobState.FAILED, JobState.LOST, JobState.TIMED_OUT, JobState.CANCELLED):
        if worst in states:
            return worst
    return JobState.SUCCEEDED
