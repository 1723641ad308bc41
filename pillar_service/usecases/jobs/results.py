"""Results that nodes tell by their spool: each settles its run, unless a master has brought it before.

`hear` is told by `events.take`, of a node that signed. What a run came to is taken once, whoever brings it first.
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
"""A result; what tells of a command in the older form, without its run, stays as it is and settles nothing."""

WORKED = (
    "Its node told later that this try had worked, though it was given up: look how things stand before you try again."
)
FAILED = "Its node told later how this try, which was given up, had failed."
NOTES = 0
"""The attempt that notes of ours stand under: a node's own begin at 1, and number their lines themselves."""


def read(data: Any) -> Heard:
    """What is heard of an event's data; raises Invalid."""
    return Result.read(data) or data


def kept(heard: Heard) -> Any:
    """What stays of it."""
    return heard.kept() if isinstance(heard, Result) else heard


def hear(node: str, told: list[tuple[str, Heard]], now: float) -> list[dict[str, str]]:
    """Settle the runs of this node, in the caller's transaction; what was refused, by the events' ids, and why."""
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
    """Tell on each job that was given up what its run had come to. It changes nothing else."""
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
