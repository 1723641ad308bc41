"""Long listings, newest first, a page at a time: each filter has an index, each page a limit.

A page begins after a row (its time and id). The time alone bounds the index; the rest orders rows of the same time.
"""

from dataclasses import dataclass
from typing import Any

from peewee import Field, ModelSelect

from pillar_service.core.agents import AgentType
from pillar_service.core.listing import Cursor
from pillar_service.store.accounts import Account
from pillar_service.store.agents import Agent, Belongs
from pillar_service.store.audit import Audit
from pillar_service.store.bots import Bot
from pillar_service.store.database import Table
from pillar_service.store.jobs import Job, JobLine
from pillar_service.store.nodes import Node
from pillar_service.store.samples import Sample


@dataclass(frozen=True)
class Page:
    """Which rows: after which one, from when until when (Unix seconds), at most how many."""

    limit: int
    after: Cursor | None = None
    since: float | None = None
    until: float | None = None


def _page(rows: "ModelSelect[Any]", at: Field, id: Field, page: Page) -> list[Any]:
    if page.after is not None:
        rows = rows.where((at <= page.after.at) & ((at < page.after.at) | (id < page.after.id)))
    if page.since is not None:
        rows = rows.where(at >= page.since)
    if page.until is not None:
        rows = rows.where(at < page.until)
    return list(rows.order_by(at.desc(), id.desc()).limit(page.limit))


def _where(rows: "ModelSelect[Any]", table: type[Table], **equal: object) -> "ModelSelect[Any]":
    for name, value in equal.items():
        rows = rows if value is None else rows.where(getattr(table, name) == value)
    return rows


def jobs(page: Page, bots_of: str | None = None, **equal: object) -> list[Job]:
    """Jobs with these columns; ``bots_of`` is an account's id."""
    rows = _where(Job.select(), Job, **equal)
    if bots_of is not None:
        rows = rows.where(Job.bot.in_(Belongs.select(Belongs.target).where(Belongs.source == bots_of)))
    return _page(rows, Job.created_at, Job.id, page)


def lines(job: str, after: int, limit: int) -> list[JobLine]:
    """A job's lines after the n-th, in order."""
    return list(JobLine.select().where((JobLine.job == job) & (JobLine.n > after)).order_by(JobLine.n).limit(limit))


def audit(page: Page, **equal: object) -> list[Audit]:
    """Audit rows with these columns."""
    return _page(_where(Audit.select(), Audit, **equal), Audit.at, Audit.id, page)


def accounts(page: Page, **equal: object) -> list[Account]:
    """Accounts with these columns, the newest first."""
    rows = Account.select(Account, Agent).join(Agent).where(Agent.type == str(AgentType.PERSON))
    return _page(_where(rows, Account, **equal), Agent.created_at, Agent.id, page)


def _bots(account: str | None, **equal: object) -> "ModelSelect[Bot]":
    rows = Bot.select(Bot, Agent).join(Agent).where(Agent.type == str(AgentType.BOT))
    if account is not None:
        rows = rows.where(Agent.id.in_(Belongs.select(Belongs.target).where(Belongs.source == account)))
    return _where(rows, Bot, **equal)


def bots(page: Page, account: str | None = None, heard: tuple[float, bool] | None = None, **equal: object) -> list[Bot]:
    """Bots, gone ones too, with these columns; ``heard`` is a time and whether they were heard of since then."""
    rows = _bots(account, **equal)
    if heard is not None:
        then, since = heard
        rows = rows.where((Bot.reported_at >= then) | Bot.reported_at.is_null() if since else Bot.reported_at < then)
    return _page(rows, Agent.created_at, Agent.id, page)


def reports(page: Page, **equal: object) -> list[Bot]:
    """Bots by their nodes' last word on them, the newest first."""
    rows = _bots(None, **equal).where(Bot.reported_at.is_null(False))
    return _page(rows, Bot.reported_at, Bot.agent, page)


def samples(page: Page, bot: str) -> list[Sample]:
    """What was reported of one bot, the newest first."""
    return _page(Sample.select().where(Sample.bot == bot), Sample.at, Sample.bot, page)


def nodes(limit: int, after: str = "") -> list[Node]:
    """Nodes by id, after that one."""
    return list(Node.select().where(Node.id > after).order_by(Node.id).limit(limit))
