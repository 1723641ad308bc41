"""Invites to a pub. The pub's own ledger is the truth; kept here is a copy, taken from the results of its jobs."""

import hashlib
import time
from contextlib import suppress
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import invites as rules
from pillar_service.core.bots.invites import Entry, InviteState
from pillar_service.core.errors import Conflict, NotFound, Unavailable
from pillar_service.core.jobs import faults
from pillar_service.core.jobs.jobs import OPEN, JobState
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.core.people.permissions import Act
from pillar_service.store.bots import invites as rows
from pillar_service.store.bots.bots import Bot
from pillar_service.store.bots.invites import Invite
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.paging import Page
from pillar_service.usecases.jobs import jobs, queue
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.people import permissions

PAGE = 50
"""How many invites a page shows."""

TOLD_S = 3600.0
"""How long, in seconds, a failure to make or revoke an invite is shown."""

LOOK = "bots.invites"
CHANGES = ("bots.invite", "bots.revoke")
ORDER = list(InviteState)


def look(person: str, key: object, page: int = 1) -> dict[str, Any]:
    """Like `ledger`, but first asks the pub for its ledger if the copy is old and nobody has asked yet.

    If nothing can be written now, the copy is shown as it is.
    """
    bot, may = permissions.allowed(person, Act.SEE, key)
    if Act.INVITE in may and _is_due(bot, time.time()):
        with suppress(Unavailable), transaction():  # a full disk is no reason to refuse a page
            if _is_due(bot, time.time()):
                jobs.submit(f"account:{person}", LOOK, bot.id)
    return _ledger(bot, Act.INVITE in may, page)


def _is_due(bot: Bot, now: float) -> bool:
    if bot.actual == Actual.PROVISIONING or pillars.effective(bot) is not Desired.RUNNING:
        return False
    if any(job.command == LOOK for job in job_rows.open_of(bot.id)):
        return False
    # A job from later than now was asked for while the clock was ahead: it says nothing about how old the copy is.
    before = job_rows.happened(bot.id, [LOOK], Page(1, until=now))
    return not before or before[0].created_at < now - rules.STALE_S


def ledger(person: str, key: object, page: int = 1) -> dict[str, Any]:
    """The copy of a bot's ledger: {"invites", "page", "pages", "as_of", "waiting", "failed", "may_invite"}.

    ``waiting`` are the jobs that will change it, ``failed`` the latest jobs that failed. Codes are shown only to people
    who may invite.
    """
    bot, may = permissions.allowed(person, Act.SEE, key)
    return _ledger(bot, Act.INVITE in may, page)


def _ledger(bot: Bot, may: bool, page: int) -> dict[str, Any]:
    now = time.time()
    waiting = [job for job in job_rows.open_of(bot.id) if job.command in (LOOK, *CHANGES)]
    latest = job_rows.happened(bot.id, [LOOK], Page(1, until=now))
    latest += job_rows.happened(bot.id, CHANGES, Page(20, until=now))
    seen = job_rows.newest(bot.id, LOOK, str(JobState.SUCCEEDED), now)
    found = sorted(rows.of_bot(bot.id), key=_place)
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(1, page), pages)
    return {
        "invites": [_described(row, may) for row in found[(page - 1) * PAGE : page * PAGE]],
        "page": page,
        "pages": pages,
        "as_of": seen.ended_at if seen else None,
        "waiting": [queue.described(job, bot.name) for job in sorted(waiting, key=_newest_first)],
        "failed": [_failure(job, bot) for job in latest if _failed_lately(job, time.time())],
        "may_invite": may,
    }


def told(person: str, key: object) -> dict[str, Any]:
    """All invites as the pub last reported them, with its own ids: {"invites", "told_at"}; only for people who may invite."""
    bot = permissions.require(person, Act.INVITE, key)
    seen = job_rows.newest(bot.id, LOOK, str(JobState.SUCCEEDED), time.time())
    found = sorted(rows.of_bot(bot.id), key=_place)
    return {
        "invites": [_told(row) for row in found],
        "told_at": seen.ended_at if seen else None,
    }


def _told(row: Invite) -> dict[str, Any]:
    columns = ("note", "uses", "used", "used_by", "created_at", "revoked_at")
    return {"id": row.invite, "state": str(_state(row)), **{column: getattr(row, column) for column in columns}}


def _newest_first(job: Job) -> tuple[float, str]:
    return -job.created_at, job.id


def _failed_lately(job: Job, now: float) -> bool:
    return job.state not in (*OPEN, JobState.SUCCEEDED) and now - TOLD_S < (job.ended_at or 0.0) <= now


def _failure(job: Job, bot: Bot) -> dict[str, Any]:
    told: dict[str, Any] = faults.answer_for_people(queue.described(job, bot.name))
    return told


def _state(row: Invite) -> InviteState:
    return rules.state(row.uses, row.used, row.revoked_at)


def _place(row: Invite) -> tuple[int, float, str]:
    return ORDER.index(_state(row)), -(row.created_at or 0.0), row.id


def _described(row: Invite, may: bool) -> dict[str, Any]:
    columns = ("id", "invite", "note", "uses", "used", "used_by", "created_at", "revoked_at", "seen_at")
    told = {column: getattr(row, column) for column in columns}
    return told | {"state": str(_state(row)), "code": row.code if may else None}


def make(person: str, key: object, uses: object, note: object, form: str | None = None) -> dict[str, Any]:
    """Ask for an invite; returns {"agent", "job"}. ``form`` identifies one page's form: sent twice, it asks once."""
    arguments = {"uses": uses, "note": note}
    marked = None if form is None else hashlib.sha256(f"{form}\n{uses}\n{note}".encode(errors="replace")).hexdigest()
    with transaction():
        bot = permissions.require(person, Act.INVITE, key)
        queue.refuse_too_many(f"account:{person}", bot, marked)
        return jobs.submit(f"account:{person}", "bots.invite", bot.id, arguments, marked)


def revoke(person: str, key: object, id: object) -> dict[str, Any]:
    """Ask that an invite (by our id) be revoked; returns the job, which is the same while it is on its way.

    Raises NotFound; Conflict for an invite that is used up or revoked.
    """
    bot = permissions.require(person, Act.INVITE, key)
    with transaction():
        row = _found(bot, id)
        if _state(row) is not InviteState.UNUSED:
            raise Conflict(f"This invite is already {_state(row)}: there is nothing left to revoke.")
        arguments = {"invite": row.invite}
        for job in job_rows.open_of(bot.id):
            if job.command == "bots.revoke" and job.arguments == arguments:
                return queue.described(job, bot.name)
        made: dict[str, Any] = jobs.submit(f"account:{person}", "bots.revoke", bot.id, arguments)["job"]
        return made


def code(person: str, key: object, id: object) -> str:
    """The code of an invite (by our id); raises NotFound if it is unknown, or not kept because the invite is spent."""
    row = _found(permissions.require(person, Act.INVITE, key), id)
    if row.code is None:
        raise NotFound("The code of this invite is not known here: make a new invite.")
    return str(row.code)


def _found(bot: Bot, id: object) -> Invite:
    row = rows.find(bot.id, id) if names.is_id(id) else None
    if row is None:
        raise NotFound(f"{bot.name} has no such invite.")
    return row


def heard(job: Job, result: object, now: float) -> None:
    """Take in what a successful job returned, in the transaction that ends it; jobs of other commands change nothing."""
    bot = str(job.bot)
    if job.command == LOOK:
        entries = rules.ledger(result)
        if entries is not None:
            _copy(bot, entries, job.started_at or job.created_at, now)
    elif job.command == "bots.invite":
        made = rules.made(result, now)
        if made is not None and rows.with_pubs_id(bot, made.invite) is None:
            rows.add(bot, made, now)
    elif job.command == "bots.revoke":
        row = rows.with_pubs_id(bot, job.arguments["invite"])
        if row is not None:
            rows.change(row.id, revoked_at=row.revoked_at or now, code=None, seen_at=now)


def _copy(bot: str, entries: list[Entry], asked_at: float, now: float) -> None:
    """Make the copy match the ledger; rows seen after the ledger was asked for are newer, and stay as they are."""
    known = {row.invite: row for row in rows.of_bot(bot)}
    for entry in entries:
        row = known.pop(entry.invite, None)
        if row is None:
            rows.add(bot, entry, now)
        elif rows.is_older(row, asked_at, now):
            _change(row, entry)
    for row in known.values():
        if rows.is_older(row, asked_at, now):
            rows.forget(bot, row.id)
    rows.seen(bot, asked_at, now)


def _change(row: Invite, entry: Entry) -> None:
    spent = rules.state(entry.uses, entry.used, entry.revoked_at) is not InviteState.UNUSED
    told = vars(entry) | {
        "created_at": entry.created_at or row.created_at,
        "code": None if spent else row.code,  # the code of a spent invite opens nothing, and need not be kept
    }
    changed = {column: value for column, value in told.items() if getattr(row, column) != value}
    if changed:
        rows.change(row.id, **changed)
