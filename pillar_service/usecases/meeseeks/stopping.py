"""Stopping jobs of commands: cancel what has not begun, kill what runs on nodes."""

import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import Conflict, Forbidden
from pillar_service.core.jobs import commands
from pillar_service.core.jobs.jobs import OVER, URGENT, WAITING, JobState
from pillar_service.core.meeseeks.runs import STOP_RUNNER
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs, runs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.jobs import endings, queue
from pillar_service.usecases.meeseeks import deciding, looking, targets
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.service import auditing

STOP = "meeseeks.stop"


def cancel(asker: Asker, id: object) -> dict[str, Any]:
    """Cancel a job, or those of its parts that have not begun; returns it.

    Raises NotFound, Forbidden (another's), Conflict (nothing of it waits: kill it).
    """
    now = time.time()
    with transaction():
        job = _mine(asker, id, "meeseeks.cancel")
        these = [one for one in jobs.parts_or_itself(job) if one.state in WAITING]
        if not these:
            raise Conflict("It is already running: kill it." if job.state not in OVER else "It is over already.")
        _refuse_wishes(these)
        for one in these:
            endings.end(one, JobState.CANCELLED, f"{asker.actor} cancelled it.", now)
        auditing.record(asker.actor, "meeseeks.cancel", f"job:{job.id}", now)
        return queue.described(jobs.find(job.id) or job)


def cancelled(id: str, ends: str) -> str:
    """What became of a cancelled job, for people; if some parts still run, it says that ``ends`` ends them."""
    job = jobs.find(id)
    its = jobs.parts_or_itself(job) if job is not None else []
    on = [one.node or "the master" for one in its if one.state not in OVER]
    if not on:
        return f"Job {id} is cancelled."
    count = sum(one.state == JobState.CANCELLED for one in its)
    gone = "1 waiting part is" if count == 1 else f"{count} waiting parts are"
    return f"Of job {id}, {gone} cancelled; it is still running on {targets.told(on)}: {ends} ends that."


def kill(asker: Asker, id: object, force: bool = False) -> list[dict[str, Any]]:
    """End a job wherever it runs, and cancel the rest; returns the jobs that stop it, one per node.

    ``force`` gives the job no time to end by itself. A stopping job that is already under way is returned instead of a
    new one, unless ``force`` is given and that job does without. Raises NotFound, Forbidden, Conflict (it is over, or
    can't be ended).
    """
    now = time.time()
    with transaction():
        job = _mine(asker, id, "meeseeks.kill")
        its = [one for one in jobs.parts_or_itself(job) if one.state not in OVER]
        if not its:
            raise Conflict("It is over already.")
        _refuse_wishes(its)
        if not all(_can_be_ended(one) for one in its if one.state == JobState.RUNNING):
            raise Conflict("Salt is running it: it ends on its own or at its time limit.")
        for one in its:
            if one.state in WAITING:
                endings.end(one, JobState.CANCELLED, f"{asker.actor} killed it before it ran.", now)
        auditing.record(asker.actor, "meeseeks.kill", f"job:{job.id}", now, "by force" if force else "")
        asked = {tuple((one.plan or {})["arguments"]): one for one in jobs.open_calls(STOP)}
        return [queue.described(_stop(asker, one, force, asked, now)) for one in its if one.state == JobState.RUNNING]


def _refuse_wishes(these: list[Job]) -> None:
    if any(one.command in commands.WISHES for one in these):
        raise Conflict("This changed what the bot should be, and stopping does not undo that: ask for the opposite.")


def _mine(asker: Asker, id: object, privilege: str) -> Job:
    job = looking.found(asker, id)
    if asker.caller is not None and job.actor != asker.actor and not deciding.decided(asker, privilege, None).allowed:
        raise Forbidden("That is somebody else's job.")
    return job


def _can_be_ended(job: Job) -> bool:
    """Whether whatever runs it knows how to end it: a node's executor, or a master that runs a runner."""
    return job.plan is not None and (job.plan["is_guarded"] or job.node is None)


Calls = Mapping[tuple[Any, ...], Job]
"""Open calls that stop something, by their arguments: what to stop, and whether by force."""


def _stop(asker: Asker, job: Job, force: bool, asked: Calls, now: float) -> Job:
    run = runs.find(str(job.run)) if job.node is None else None
    function, target = (STOP, job.id) if job.node is not None else (STOP_RUNNER, run and run.jid)
    before = asked.get((target, True)) or (None if force else asked.get((target, False)))
    return before or queue.call(asker.actor, STOP, job.node, function, [target, force], {}, now, URGENT)
