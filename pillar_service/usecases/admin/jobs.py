"""Jobs, as operators see them: without anything that opens a pub."""

import time
from collections.abc import Iterable
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Forbidden, NotFound
from pillar_service.core.jobs import commands, redaction, retrying
from pillar_service.core.jobs.jobs import OVER, WAITING, JobState
from pillar_service.core.listing import Cursor
from pillar_service.core.people.permissions import to_ask
from pillar_service.store import listings
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs as rows
from pillar_service.store.jobs import outputs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.admin import bots as shown_bots
from pillar_service.usecases.admin import filters, naming
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import jobs, queue
from pillar_service.usecases.meeseeks import catalogue, challenges, looking, stopping
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import permissions
from pillar_service.usecases.service import auditing

LINES = 500
"""How many lines of a job are shown at a time."""


def cancel(actor: str, id: object) -> str:
    """Cancel a job that does not run yet, or those of its parts that do not; returns what became of it, in words.

    Raises NotFound, Conflict.
    """
    job = jobs.found(id)
    if job.plan is not None and job.parent is None:
        stopping.cancel(Asker(actor), job.id)
    else:
        jobs.cancel(actor, job.id)
    return stopping.cancelled(job.id, "'End it wherever it runs'")


def kill(actor: str, id: object) -> list[dict[str, Any]]:
    """End a command wherever it runs; returns the jobs that stop it. Raises NotFound, Conflict."""
    return stopping.kill(Asker(actor), jobs.found(id).id)


def listed(
    before: str = "",
    state: str = "",
    command: str = "",
    node: str = "",
    bot: str = "",
    account: str = "",
    actor: str = "",
    since: str = "",
    until: str = "",
) -> filters.Listing:
    """Jobs, newest first; ``account`` is whose bots they are for."""
    found = listings.jobs(
        filters.page(before, since, until),
        filters.account(account),
        state=filters.one_of(JobState, state, "state of a job"),
        command=_command(command) if command else None,
        node=filters.word(node, "node"),
        bot=shown_bots.show(bot)["id"] if bot else None,
        actor=filters.word(actor, "actor"),
    )
    return filters.listed(found, lambda row: Cursor(row.created_at, row.id), described)


def known() -> list[str]:
    """Every command that a job may have: the bots' commands, then the catalogue's."""
    return [*commands.COMMANDS, *sorted(catalogue.current().catalogue.commands)]


def _command(name: str) -> str:
    return name if name in known() else commands.command(name).name


def described(found: Iterable[Job]) -> list[dict[str, Any]]:
    """Jobs with what may be shown of their arguments and results, and the name of whoever asked for them (``by``)."""
    these = list(found)
    called = naming.called(job.actor for job in these)
    by_id = bot_rows.with_ids({job.bot for job in these if job.bot})
    told = [_redacted(_told(job, by_id[job.bot].name if job.bot else None)) for job in these]
    return [{**job, "by": called.get(job["actor"])} for job in told]


def _told(job: Job, bot_name: str | None) -> dict[str, Any]:
    is_command = job.plan is not None
    more = {"target": queue.target(job, bot_name), "is_command": is_command, "is_private": looking.is_private(job)}
    return {**queue.described(job, bot_name), **more}


def _redacted(job: dict[str, Any]) -> dict[str, Any]:
    return {
        **job,
        "arguments": redaction.arguments(job["arguments"]),
        "result": redaction.result(job["command"], job["result"]),
        "error": None if job["error"] is None else redaction.text(job["error"]),
        "is_over": job["state"] in OVER,
        "is_waiting": job["state"] in WAITING,
    }


def show(person: str, id: object, after: object = 0) -> dict[str, Any]:
    """A job, its parts by node, what it waits for, and its lines after the n-th; raises NotFound.

    {"job", "anew", "parts", "waits_for", "lines", "next"}: ``next`` is None on the last page; ``anew`` says why
    ``person`` can't try it again, empty if they can. Private lines are left out.
    """
    job, first = jobs.found(id), names.whole_number(after, "number of a line", 0, 2**31 - 1)
    found = [] if looking.is_private(job) else outputs.lines(job.id, first, LINES + 1)
    lines = [{"n": line.n, "at": line.at, "text": redaction.text(line.text)} for line in found[:LINES]]
    return {
        "job": described([job])[0],
        "anew": _anew(person, job),
        "parts": described(rows.parts_of(job.id)) if job.parts else [],
        "waits_for": challenges.waiting(job.id),
        "lines": lines,
        "next": lines[-1]["n"] if len(found) > LINES else None,
    }


def _anew(person: str, job: Job) -> str:
    try:
        _command_again(person, job)
    except (Conflict, Forbidden, NotFound) as error:
        return error.sentence
    return ""


def _command_again(person: str, job: Job) -> str:
    if job.bot is not None:
        permissions.require(person, to_ask(commands.again(job.command) or job.command), job.bot)
    return retrying.by_operator(job.command, JobState(job.state), job.bot is not None)


def retry(actor: str, person: str, id: object) -> dict[str, Any]:
    """Ask again for what a finished job asked for; pressing twice asks once. Returns {"agent", "job"}.

    Raises Conflict if the job is not over, NotFound if its bot is gone, Forbidden if ``person`` may not ask for it.
    """
    job, key = jobs.found(id), f"retry:{id}"
    command = _command_again(person, job)
    with transaction():
        is_new = rows.with_key(actor, key) is None
        made = _again(actor, command, job.bot, {} if command != job.command else job.arguments, key)
        if is_new:
            now_is = made["job"]["id"]
            auditing.record(actor, "jobs.retry", f"agent:{job.bot}", time.time(), f"job {job.id}, now {now_is}")
        return made


def _again(actor: str, command: str, bot: str | None, arguments: dict[str, Any], key: str) -> dict[str, Any]:
    if command == "bots.delete":
        return bots.delete(actor, bot, purge=False, idempotency_key=key)  # what was to be purged still is
    return jobs.submit(actor, command, bot, arguments, key)
