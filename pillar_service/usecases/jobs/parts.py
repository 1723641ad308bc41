"""Parts: a job on several nodes has a part on each, and its state follows from theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pillar_service.core.jobs.jobs import OVER, JobState, of_parts
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job, Part
from pillar_service.usecases.jobs import executing
from pillar_service.usecases.meeseeks import previews

_moved: ContextVar[set[str] | None] = ContextVar("moved", default=None)
"""The whole jobs whose parts changed inside `together`; None outside of it."""


@contextmanager
def together(now: float) -> Iterator[None]:
    """Let many parts change inside, in the caller's transaction: each whole job is updated once, at the end."""
    if _moved.get() is not None:
        yield
        return
    token = _moved.set(set())
    try:
        yield
        wholes = sorted(_moved.get() or ())
    finally:
        _moved.reset(token)
    for whole in wholes:
        part_moved(whole, now)


def part_moved(whole: str, now: float) -> None:
    """Update a whole job after one of its parts changed state, in the caller's transaction."""
    noted = _moved.get()
    if noted is not None:
        noted.add(whole)
        return
    job = jobs.find(whole)
    if job is None or job.state in OVER:
        return
    to = of_parts([JobState(state) for state in jobs.states_of_parts(whole)])
    if to == job.state:
        return
    if to not in OVER:
        jobs.move(whole, job.state, to, started_at=job.started_at or now)
        return
    its = jobs.standing_of_parts(whole)
    told = summary(its)
    said = None if to is JobState.SUCCEEDED else _why(job, its, told)
    jobs.move(whole, job.state, to, ended_at=now, result=told, error=said, **executing.without_secrets(job))
    previews.ended(job, now)


def _why(job: Job, its: list[Part], told: dict[str, Any]) -> str:
    """What went wrong, for people.

    For a bot's action it is the error of the bot's own job; else it names the nodes, and says why parts were refused.
    """
    own = jobs.parts_of(job.id)[0].error if (job.plan or {}).get("bot") is not None else None
    refused = sorted({part.refused for part in its if part.refused})
    return own or " ".join([sentence(told), *refused])


def summary(its: list[Part]) -> dict[str, Any]:
    """Where a job was to run, and how it went: {"expected", "answered", "missing", "failed"}, each a list of places.

    A node that never took its part, or never said how it ended, is missing. One that took it and failed is failed; so
    is one whose part was refused before it could take it.
    """
    failed = [part for part in its if part.state == JobState.FAILED and (part.has_result or part.refused)]
    return {
        "expected": [place(part) for part in its],
        "answered": [place(part) for part in its if _answered(part)],
        "missing": [place(part) for part in its if not (_answered(part) or part.refused)],
        "failed": [place(part) for part in failed],
    }


def _answered(part: Part) -> bool:
    return part.state == JobState.SUCCEEDED or (part.state == JobState.FAILED and part.has_result)


def place(part: Part | Job) -> str:
    """Where a part, or a job without parts, runs, for people."""
    return part.node or "master"


def sentence(told: dict[str, Any]) -> str:
    """What went wrong, for people."""
    said = [f"failed on {', '.join(told['failed'])}"] if told["failed"] else []
    said += [f"no answer from {', '.join(told['missing'])}"] if told["missing"] else []
    done = len(told["expected"]) - len(told["failed"]) - len(told["missing"])
    return f"It worked on {done} of {len(told['expected'])}: {'; '.join(said)}."
