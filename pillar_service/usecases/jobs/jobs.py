"""Jobs: submit, show and cancel them. How masters carry them out is in runs.py."""

import time
from collections.abc import Iterable
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.jobs import commands, redaction, retrying
from pillar_service.core.jobs.commands import command
from pillar_service.core.jobs.jobs import NO_MASTER, OVER, JobState, require_cancellable
from pillar_service.core.people.agents import Desired
from pillar_service.core.people.permissions import OF_COMMAND, Act, to_ask
from pillar_service.store.bots import bots as rows
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.outputs import JobLine
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots, refusing
from pillar_service.usecases.jobs import closing, leases, queue
from pillar_service.usecases.people import permissions
from pillar_service.usecases.service import auditing

MOST_LISTED = 500
MOST_LINES = 1000
"""How many lines are returned at once: each may have 2,000 characters."""


def submit(actor: str, name: object, bot: object, arguments: object = None, key: str | None = None) -> dict[str, Any]:
    """Ask for a command on a bot (by id or name); returns {"agent", "job"}. Repeating a ``key`` returns the same job.

    Raises Invalid (command, arguments), NotFound (bot), Conflict (the bot can't do this now).
    """
    asked = command(name).name
    if asked in commands.ELSEWHERE:
        raise Invalid(f"{asked} can't be submitted as a job: use {commands.ELSEWHERE[asked]}.")
    if arguments is not None and not isinstance(arguments, dict):
        raise Invalid('The arguments must be an object such as {"uses": 1}.')
    if asked in ("bots.start", "bots.stop"):
        command(asked).checked(arguments or {})
        return bots.desire(actor, bot, Desired.RUNNING if asked == "bots.start" else Desired.STOPPED, key)
    if asked == "bots.upgrade":
        command(asked).checked(arguments or {})
        return bots.upgrade(actor, bot, key)
    return _submit(queue.Request(actor, key, asked, bot, arguments), asked, bot, arguments or {})


def _submit(request: queue.Request, name: str, key: object, arguments: dict[str, Any]) -> dict[str, Any]:
    now = time.time()
    with transaction():
        bot, before = bots.found(key), request.before()
        if before is None:
            refusing.if_deleted(bot)
            refusing.if_moving(bot)
            if name == "bots.restart":
                refusing.if_stopped(bot)
            before = queue.ask(request, name, bot, now, arguments)
            auditing.record(request.actor, name, f"agent:{bot.id}", now, f"job {before.id}")
        return {"agent": bots.described([bot])[0], "job": queue.described(before)}


def found(id: object) -> Job:
    """Return the job with that id; raises NotFound."""
    job = jobs.find(id) if names.is_id(id) else None
    if job is None:
        raise NotFound(f"There is no job {names.shown(id)}.")
    return job


def show(id: object, after: int = 0) -> dict[str, Any]:
    """A job, with why it waits (if for a master), and its lines after the n-th: {"job", "lines"}; raises NotFound."""
    job = found(id)
    told = queue.described(job) | {"waits": waits(job.state)}
    return {"job": told, "lines": lines_of(outputs.lines(job.id, after))}


def waits(state: str) -> str:
    """Why a job in this state waits, if no master is there to take it; else empty."""
    is_untaken = state in (JobState.QUEUED, JobState.CLAIMED)  # a claimed job's master may be gone
    return NO_MASTER if is_untaken and not leases.is_held(leases.PUBLISHING, time.time()) else ""


def lines_of(rows: Iterable[JobLine]) -> list[dict[str, Any]]:
    """Lines as the API shows them."""
    return [{"n": line.n, "at": line.at, "text": line.text} for line in rows]


def has_news(id: str, after: int) -> bool:
    """Whether a job is over or has lines after the n-th. Cheap: long polls call it all the time."""
    return found(id).state in OVER or outputs.line_count(id) > after


def listed(
    state: str | None = None, node: str | None = None, bot: str | None = None, limit: object = 100
) -> list[dict[str, Any]]:
    """The newest jobs, newest first; ``bot`` is an id or a name. Raises Invalid, NotFound."""
    most = _checked(state, limit)
    found_jobs = jobs.listed(most, state, node, None if bot is None else bots.found(bot).id)
    known = rows.with_ids({job.bot for job in found_jobs if job.bot})
    return [queue.described(job, known[job.bot].name if job.bot else None) for job in found_jobs]


def _checked(state: str | None, limit: object) -> int:
    if state is not None:
        names.one_of(JobState, state, "state of a job")
    return names.whole_number(limit, "limit", 1, MOST_LISTED)


def asked_before(actor: str, key: str | None) -> str | None:
    """The id of the job that this actor asked for under this key, or None."""
    found_job = None if key is None else jobs.with_key(actor, key)
    return None if found_job is None else str(found_job.id)


def again(actor: str, id: object, key: str | None = None) -> dict[str, Any]:
    """Repeat a job that did not work; returns {"agent", "job"}, with a new job. Repeating a ``key`` returns the same job.

    Raises Conflict for a job that is not over, that worked, or that must be asked for anew (a deletion, an export).
    """
    job = found(id)
    name = retrying.by_person(job.command, JobState(job.state))
    return submit(actor, name, job.bot, job.arguments if name == job.command else {}, key)


def take_back(person: str, id: object) -> dict[str, Any]:
    """Cancel a job that has not begun, as a person who may ask for it, if that undoes everything that asking for it did.

    Raises Conflict if it doesn't; NotFound, Forbidden for other people.
    """
    job = found(id)
    if job.bot is None:
        raise NotFound(f"There is no job {names.shown(id)}.")
    permissions.require(person, to_ask(job.command), job.bot, deleted=True)
    if job.command in commands.WISHES:
        raise Conflict("This changed what the bot should be, and cancelling does not undo that: ask for the opposite.")
    return cancel(f"account:{person}", id)


def cancel(actor: str, id: object) -> dict[str, Any]:
    """Cancel a job that has not begun; raises NotFound, Conflict if it runs or is over."""
    now = time.time()
    with transaction():
        job = found(id)
        if job.parts:
            raise Conflict("It runs on several nodes, or as a bot's job: cancel it as a command (meeseeks.cancel).")
        require_cancellable(JobState(job.state))
        closing.close(job, JobState.CANCELLED, now, error="It was cancelled before it ran.")
        subject = f"agent:{job.bot}" if job.bot else f"job:{job.id}"
        auditing.record(actor, "jobs.cancel", subject, now, f"job {job.id}")
        return queue.described(found(job.id))


def show_to(person: str, id: object, after: int = 0) -> dict[str, Any]:
    """A job as `told_to` returns it, and its first lines after the n-th: {"job", "lines", "next"}.

    ``next`` is the number to continue after, None if there are no more lines yet.
    """
    job = told_to(person, id)
    rows = outputs.lines(job["id"], after, MOST_LINES + 1)
    lines = lines_of(rows[:MOST_LINES])
    return {"job": job, "lines": lines, "next": lines[-1]["n"] if len(rows) > MOST_LINES else None}


def told_to(person: str, id: object) -> dict[str, Any]:
    """A job as this person may see it; raises NotFound if they may not see its bot.

    Whoever asked for the job sees it even once the bot is gone for good. The result (such as an invite's code or a log)
    and personal arguments (such as whom an invite is for) are shown only to those who could have asked for it.
    """
    job = found(id)
    if job.bot is None:
        raise NotFound(f"There is no job {names.shown(id)}.")
    bot, may = rows.of_job(job.bot), permissions.of(person, job.bot)
    if Act.SEE not in may:
        if bot.agent.removed_at is None or job.actor != f"account:{person}":
            raise NotFound(f"There is no job {names.shown(id)}.")
        return queue.described(job)
    return _as_allowed(queue.described(job), may)


def _as_allowed(job: dict[str, Any], may: frozenset[Act]) -> dict[str, Any]:
    if OF_COMMAND.get(job["command"]) in may:
        return job
    said = None if job["error"] is None else redaction.text(job["error"])
    return job | {"arguments": redaction.arguments(job["arguments"]), "result": None, "error": said}


def listed_to(person: str, bot: object = None, state: str | None = None, limit: object = 100) -> list[dict[str, Any]]:
    """The newest jobs of the bots that a person belongs to, or of one bot (by id or name) that they may see.

    Each is shown as in `show_to`. Raises Invalid, NotFound.
    """
    most = _checked(state, limit)
    of = agents.bots_of(person) if bot is None else [permissions.require(person, Act.SEE, bot, deleted=True).id]
    found_jobs = jobs.listed(most, state, bots=of)
    known = rows.with_ids({job.bot for job in found_jobs if job.bot})
    may = permissions.of_each(person, list(known))
    return [_as_allowed(queue.described(job, known[job.bot].name), may[job.bot]) for job in found_jobs if job.bot]
