"""Long listings, newest first, a page at a time: each filter has an index, each page a limit."""

from dataclasses import dataclass
from typing import Any

from peewee import Expression, ModelSelect, fn

from pillar_service.core.people.agents import AgentType
from pillar_service.core.searching import Label
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import Table
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.outputs import JobLine
from pillar_service.store.nodes.nodes import Node, labelled
from pillar_service.store.paging import Page, page_of
from pillar_service.store.people.accounts import Account
from pillar_service.store.people.agents import Agent, Belongs
from pillar_service.store.service.audit import Audit


def _where(rows: "ModelSelect[Any]", table: type[Table], **equal: object) -> "ModelSelect[Any]":
    for name, value in equal.items():
        rows = rows if value is None else rows.where(getattr(table, name) == value)
    return rows


def jobs(page: Page, bots_of: str | None = None, **equal: object) -> list[Job]:
    """Jobs with these columns; ``bots_of`` is an account's id."""
    rows = _where(Job.select(), Job, **equal)
    if bots_of is not None:
        rows = rows.where(Job.bot.in_(Belongs.select(Belongs.target).where(Belongs.source == bots_of)))
    return page_of(rows, Job.created_at, Job.id, page)


def lines_before(job: str, n: int | None, limit: int) -> list[JobLine]:
    """A job's last lines, or its last before the n-th, the last one first."""
    rows = JobLine.select().where(JobLine.job == job).order_by(JobLine.n.desc()).limit(limit)
    return list(rows if n is None else rows.where(JobLine.n < n))


def audit(page: Page, **equal: object) -> list[Audit]:
    """Audit rows with these columns."""
    return page_of(_where(Audit.select(), Audit, **equal), Audit.at, Audit.id, page)


def accounts(page: Page, **equal: object) -> list[Account]:
    """Accounts with these columns, the newest first."""
    rows = Account.select(Account, Agent).join(Agent).where(Agent.type == str(AgentType.PERSON))
    return page_of(_where(rows, Account, **equal), Agent.created_at, Agent.id, page)


def _bots(account: str | None, **equal: object) -> "ModelSelect[Bot]":
    rows = Bot.select(Bot, Agent).join(Agent).where(Agent.type == str(AgentType.BOT))
    if account is not None:
        rows = rows.where(Agent.id.in_(Belongs.select(Belongs.target).where(Belongs.source == account)))
    return _where(rows, Bot, **equal)


@dataclass(frozen=True)
class Silence:
    """Who counts as lost: not heard of since then (Unix seconds), unless in one of the settled states."""

    since: float
    settled: list[str]
    lost: str

    def shows(self, state: str) -> Expression:
        """Whether a bot is shown as being in that state."""
        silent = (Bot.reported_at < self.since) & Bot.actual.not_in(self.settled)
        if state == self.lost:
            return silent | (Bot.actual == state)
        heard = Bot.reported_at.is_null() | (Bot.reported_at >= self.since) | Bot.actual.in_(self.settled)
        return (Bot.actual == state) & heard


def bots(
    page: Page, silence: Silence, state: str | None = None, account: str | None = None, **equal: object
) -> list[Bot]:
    """Bots, gone ones too, with these columns, shown in that state, of that account; the newest first."""
    rows = _bots(account, **equal)
    rows = rows if state is None else rows.where(silence.shows(state))
    return page_of(rows, Agent.created_at, Agent.id, page)


def reports(page: Page, silence: Silence, state: str | None = None, **equal: object) -> list[Bot]:
    """Bots by their nodes' last word on them, the newest first."""
    rows = _bots(None, **equal).where(Bot.reported_at.is_null(False))
    rows = rows if state is None else rows.where(silence.shows(state))
    return page_of(rows, Bot.reported_at, Bot.agent, page)


def nodes(limit: int, after: str = "", label: Label | None = None, **equal: object) -> list[Node]:
    """Nodes with these columns and such a label by id, after that one."""
    rows = _where(Node.select().where(Node.id > after, Node.forgotten_at.is_null()), Node, **equal)
    rows = rows if label is None else rows.where(labelled(label))
    return list(rows.order_by(Node.id).limit(limit))


def owning(accounts: list[str]) -> dict[str, int]:
    """How many bots belong to each of these accounts."""
    rows: Any = Belongs.select(Belongs.source, fn.COUNT(Belongs.target)).where(Belongs.source.in_(accounts))
    return dict(rows.group_by(Belongs.source).tuples())


def ports_used(nodes: list[str]) -> dict[str, int]:
    """How many ports of each of these nodes are taken."""
    rows: Any = Bot.select(Bot.node, fn.COUNT(Bot.port)).where(Bot.node.in_(nodes) & Bot.port.is_null(False))
    return dict(rows.group_by(Bot.node).tuples())
