"""What happened to a bot: its jobs and audit as one log, and the lines that its container wrote."""

import time
from typing import Any

from pillar_service.core import listing, names
from pillar_service.core.bots import happenings as rules
from pillar_service.core.bots.happenings import Kind
from pillar_service.core.jobs import faults
from pillar_service.core.jobs.jobs import OPEN
from pillar_service.core.listing import PAGE, Cursor
from pillar_service.core.people.agents import AccountRole
from pillar_service.core.people.permissions import Act
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.paging import Page
from pillar_service.store.people import accounts, agents
from pillar_service.store.service import audit
from pillar_service.store.service.audit import Audit
from pillar_service.usecases.jobs import jobs, queue
from pillar_service.usecases.people import permissions

LOOK = "bots.logs"


def log(person: str, key: object, kind: object = None, before: str = "") -> dict[str, Any]:
    """A page of a bot's log, newest first: {"entries", "kind", "older"}.

    ``kind`` narrows it (core/bots/happenings.py); ``before`` is the ``older`` of the previous page. Raises Invalid.
    """
    bot, may = permissions.allowed(person, Act.SEE, key)
    chosen, page = rules.kind(kind), Page(PAGE + 1, listing.cursor(before))
    found = [_of_job(job) for job in job_rows.happened(bot.id, _commands(chosen), page)]
    found += [_of_audit(row, Act.SHARE in may) for row in _audited(bot, chosen, page)]
    found.sort(key=lambda one: (one["at"], one["id"]), reverse=True)
    shown = found[:PAGE]
    _name(shown, bot, person)
    last = shown[-1] if len(found) > PAGE else None
    return {"entries": shown, "kind": chosen, "older": str(Cursor(last["at"], last["id"])) if last else None}


def _commands(kind: Kind | None) -> frozenset[str]:
    return rules.COMMANDS_OF[kind] if kind else rules.COMMANDS_OF[Kind.ACTIONS] | rules.INVITES


def _audited(bot: Bot, kind: Kind | None, page: Page) -> list[Audit]:
    if kind in (Kind.INVITES, Kind.LOOKS):
        return []
    but = rules.TOLD_BY_JOBS | (rules.OF_PEOPLE if kind is Kind.ACTIONS else frozenset())
    prefix = rules.PEOPLE if kind is Kind.PEOPLE else ""
    return audit.happened(f"agent:{bot.id}", prefix, but, page)


def _of_job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "at": job.created_at,
        "what": rules.words(job.command),
        "actor": job.actor,
        "state": job.state,
        "job": job.id,
        "detail": rules.plain(faults.for_people(job.error)) if job.error else "",
        "ended_at": job.ended_at,
    }


def _of_audit(row: Audit, with_detail: bool) -> dict[str, Any]:
    # Details are written for whoever runs the place; those about people are an address, which the bot's owners know.
    detail = row.detail if with_detail and row.action.startswith(rules.PEOPLE) else ""
    told = {"id": row.id, "at": row.at, "what": rules.words(row.action), "actor": row.actor, "detail": detail}
    return told | {"state": None, "job": None, "ended_at": None}


def _name(entries: list[dict[str, Any]], bot: Bot, asker: str) -> None:
    """Say in each entry who it was, as far as the asker may know."""
    ids = {one["actor"].partition(":")[2] for one in entries}
    known = accounts.with_ids(ids)
    belonging = {row.source for row in agents.people_of([bot.id])}
    for one in entries:
        one["who"] = _who(one.pop("actor"), known, belonging, asker)


def _who(actor: str, known: dict[str, accounts.Account], belonging: set[str], asker: str) -> str:
    kind, _, id = actor.partition(":")
    if kind == "node":
        return f"the node {id}"
    if kind != "account":
        return "whoever runs this place"
    account = known.get(id)
    if id == asker:
        return "you"
    if account is not None and id in belonging:
        return str(account.agent.name).partition("@")[0]
    is_operator = account is not None and account.role == AccountRole.OPERATOR
    return "whoever runs this place" if is_operator else "somebody who left"


def ask_lines(person: str, key: object, lines: object) -> dict[str, Any]:
    """Ask for the last lines of a bot's container; returns the job, or the one already on its way."""
    most = names.whole_number(lines, "number of lines", min(rules.LINES), max(rules.LINES))
    bot = permissions.require(person, Act.OPERATE, key)
    with transaction():
        for job in _looking(bot.id):
            return queue.described(job, bot.name)
        made: dict[str, Any] = jobs.submit(f"account:{person}", LOOK, bot.id, {"lines": most})["job"]
        return made


def _looking(bot: str) -> list[Job]:
    return [job for job in job_rows.open_of(bot) if job.command == LOOK]


def _last_look(bot: str) -> Job | None:
    """The job that fetches lines, or did so last; one from later than now, when the clock was ahead, if there is no other."""
    until_now, any_time = Page(1, until=time.time()), Page(1)
    found = _looking(bot) or job_rows.happened(bot, [LOOK], until_now) or job_rows.happened(bot, [LOOK], any_time)
    return found[0] if found else None


def lines(person: str, key: object) -> dict[str, Any]:
    """The newest lines asked of a bot's container: {"job" (or None), "lines", "of", "waiting", "may_ask"}.

    ``of`` is how many lines arrived: the oldest are left out if all of them would make the page too large.
    """
    bot, may = permissions.allowed(person, Act.SEE, key)
    may_ask = Act.OPERATE in may
    job = _last_look(bot.id) if may_ask else None
    told = rules.written(job.result if job is not None else None)
    return {
        "job": faults.answer_for_people(queue.described(job, bot.name)) if job else None,
        "lines": rules.newest([rules.plain(line) for line in told[-max(rules.LINES) :]]),
        "of": len(told),
        "waiting": job is not None and job.state in OPEN,
        "may_ask": may_ask,
    }
