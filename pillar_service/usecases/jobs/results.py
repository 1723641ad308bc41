"""Results that nodes send through their spools: each settles its run, unless a master brought the result first.

`events.take` calls `hear`, for nodes that sign. The first result of a run counts, whoever brings it.
"""

from collections.abc import Iterator
from typing import Any

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.jobs.results import Result
from pillar_service.store.jobs import jobs, outputs, runs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.outputs import Line
from pillar_service.store.jobs.runs import Standing
from pillar_service.usecases.jobs import endings, keeping
from pillar_service.usecases.jobs import runs as cases
from pillar_service.usecases.jobs.runs import Returned

Heard = Result | Any
"""A result; data in the older form, which names no run, stays as it is and settles nothing."""

WORKED = (
    "Its node said later that this try had worked, though it was given up: check how things stand before you try again."
)
FAILED = "Its node said later how this try, which was given up, had failed."
NOTES = 0
"""The attempt under which our own notes are kept: a node's own attempts begin at 1, with line numbers of their own."""


def read(data: Any) -> Heard:
    """What matters of an event's data; raises Invalid."""
    return Result.read(data) or data


def kept(heard: Heard) -> Any:
    """What is stored of it."""
    return heard.kept() if isinstance(heard, Result) else heard


def hear(node: str, told: list[tuple[str, Heard]], now: float) -> list[dict[str, str]]:
    """Settle the runs of this node, in the caller's transaction; returns what was refused: [{"id": event id, "why"}]."""
    given = [(id, result) for id, result in told if isinstance(result, Result)]
    return [{"id": id, "why": why} for id, result in given if (why := _heard(node, result, now))]


def _heard(node: str, result: Result, now: float) -> str | None:
    run = runs.standing([result.run]).get(result.run)
    if run is None or (run.node, run.jid) != (node, result.jid):
        return f"This node has no run {result.run} under the jid {result.jid}: nothing was changed."
    its = Returned(result.jid, node, result.returned, result.success, result.retcode)
    try:
        if run.state == runs.ENDED:
            _note_if_late(run, result, its, now)
        else:
            cases.settle({run.id: its}, now)
    except SaltcellarError as error:
        return error.sentence
    return None


def _note_if_late(run: Standing, result: Result, its: Returned, now: float) -> None:
    """Note on each job that was given up how its run ended after all. It changes nothing else."""
    for job in _jobs(run, result):
        outcome = endings.outcome(job, its.returned, bool(its.success), int(result.retcode))
        known = (JobState.SUCCEEDED,) if outcome.succeeded else (JobState.SUCCEEDED, JobState.FAILED)
        if outcome.again is None and not (job.run == run.id and job.state in known):
            said = WORKED if outcome.succeeded else f"{FAILED} {outcome.error or ''}"
            _note(job, f"late:{run.id}", said.strip(), now)


def _jobs(run: Standing, result: Result) -> Iterator[Job]:
    found = (jobs.find(id) for id in dict.fromkeys(result.jobs))
    return (job for job in found if job is not None and job.node == run.node)


def _note(job: Job, key: str, text: str, now: float) -> None:
    if not outputs.keys(job.id, [key]):
        before = outputs.taken(job.id, NOTES)
        keeping.keep(job, NOTES, before + 1, [Line(key, "note", text)], now)
