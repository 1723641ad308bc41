"""A job goes: it waits for nobody, and what must run is queued."""

from collections.abc import Iterable
from typing import Any

from pillar_service.core import names, tracing
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs.jobs import QUEUED_FOR_S, JobState, step
from pillar_service.settings import settings
from pillar_service.store.database import attempt
from pillar_service.store.jobs import claims, jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.bots import bots, bringing_back
from pillar_service.usecases.jobs import endings, parts
from pillar_service.usecases.jobs import jobs as bots_jobs


def go(job: Job, now: float) -> None:
    """Queue a job whose challenges are met, and what it consists of, in the caller's transaction."""
    jobs.move(job.id, JobState.ASKED, JobState.QUEUED, **ready(job, now))
    begin(job, now)


def ready(job: Job, now: float, new: Iterable[Job] = ()) -> dict[str, Any]:
    """Turn a job that was asked for into a queued one, in memory only; returns the columns that change.

    Its deadline counts from now, however long it waited for an approval, plus the time until the last of its nodes has
    its turn. ``new`` are jobs that go before it and are not added yet.
    """
    state, plan = step(JobState(job.state), JobState.QUEUED), job.plan or {}
    deadline_at = now + settings().chat_deadline_s + _turns_s(job, new)
    columns = {"state": str(state), "not_before": now, "deadline_at": deadline_at, **_place(plan)}
    job.__data__.update(columns)
    return columns


def _turns_s(job: Job, new: Iterable[Job]) -> float:
    """After how many seconds at the latest the last of its nodes has its turn, if only ``at_most`` run its command.

    Behind other jobs of the command that may take as long as any job may wait; from its first turn on, claims.py gives it
    the usual time.
    """
    plan: dict[str, Any] = job.plan or {}
    if plan["bot"] is not None or not job.at_most:
        return 0.0
    before = sum(_places(one) for one in new if one.command == job.command and one.state == JobState.QUEUED)
    if before >= job.at_most or claims.is_full(job.command, job.at_most):
        return QUEUED_FOR_S
    return float((before + _places(job) - 1) // job.at_most * plan["timeout_s"])


def _places(job: Job) -> int:
    """On how many nodes it runs; one for the master."""
    return len((job.plan or {})["nodes"]) or 1


def _place(plan: dict[str, Any]) -> dict[str, Any]:
    """The node that it runs on, or how many parts it has."""
    if plan["bot"] is not None:
        return {"parts": 1}
    if len(plan["nodes"]) > 1:
        return {"parts": len(plan["nodes"])}
    return {"node": plan["nodes"][0] if plan["nodes"] else None}


def begin(job: Job, now: float) -> None:
    """Queue what a queued job consists of, in the caller's transaction: the bot's own job, or a part on each node."""
    plan: dict[str, Any] = job.plan or {}
    if plan["bot"] is not None:
        _action(job, plan, now)
    elif job.parts:
        jobs.add_queued(_part(job, node, now) for node in plan["nodes"])


def _part(job: Job, node: str, now: float) -> Job:
    return jobs.new(
        id=names.new_id(),
        parent=job.id,
        command=job.command,
        node=node,
        arguments=job.arguments,
        plan={**(job.plan or {}), "nodes": [node]},
        priority=job.priority,
        at_most=job.at_most,
        deadline_at=job.deadline_at,
        actor=job.actor,
        fingerprint=job.fingerprint,
        created_at=now,
        not_before=now,
        request=job.request,
        converges=job.converges,
    )


def _action(job: Job, plan: dict[str, Any], now: float) -> None:
    """Queue a bot's action as a job of that bot, as if asked for on the bot's page; it becomes this job's part."""
    given = {name: value for name, value in plan["keywords"].items() if name != "bot"}
    try:
        with tracing.within(job.request), attempt():  # so that a refusal undoes what was written until then
            made = _asked(job.actor, plan["function"], plan["bot"], given, f"job:{job.id}")
    except SaltcellarError as error:
        endings.end(job, JobState.FAILED, error.sentence, now)
        return
    jobs.adopt(made["job"]["id"], job.id)
    parts.part_moved(job.id, now)


def _asked(actor: str, command: str, bot: str, given: dict[str, Any], key: str) -> dict[str, Any]:
    if command == "bots.delete":
        return bots.delete(actor, bot, purge=False, idempotency_key=key)
    if command == "bots.bring_back":
        return bringing_back.bring_back(actor, bot, key)
    return bots_jobs.submit(actor, command, bot, given, key)
