"""Long listings, newest first, one page at a time. Each filter has an index, and each page a limit."""

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
    """Jobs with these column values, newest first; ``bots_of`` limits them to the bots of an account (its id)."""
    rows = _where(Job.select(), Job, **equal)
    if bots_of is not None:
        rows = rows.where(Job.bot.in_(Belongs.select(Belongs.target).where(Belongs.source == bots_of)))
    return page_of(rows, Job.created_at, Job.id, page)


def lines_before(job: str, n: int | None, limit: int) -> list[JobLine]:
    """A job's last lines, or the last before its n-th line, in reverse order."""
    rows = JobLine.select().where(JobLine.job == job).order_by(JobLine.n.desc()).limit(limit)
    return list(rows if n is None else rows.where(JobLine.n < n))


def audit(page: Page, **equal: object) -> list[Audit]:
    """Audit rows with these column values, newest first."""
    return page_of(_where(Audit.select(), Audit, **equal), Audit.at, Audit.id, page)


def accounts(page: Page, **equal: object) -> list[Account]:
    """Accounts with these column values, newest first."""
    rows = Account.select(Account, Agent).join(Agent).where(Agent.type == str(AgentType.PERSON))
    return page_of(_where(rows, Account, **equal), Agent.created_at, Agent.id, page)


def _bots(account: str | None, **equal: object) -> "ModelSelect[Bot]":
    rows = Bot.select(Bot, Agent).join(Agent).where(Agent.type == str(AgentType.BOT))
    if account is not None:
        rows = rows.where(Agent.id.in_(Belongs.select(Belongs.target).where(Belongs.source == account)))
    return _where(rows, Bot, **equal)


@dataclass(frozen=True)
class Silence:
    """The rule for showing a bot as ``lost``: no report since ``since`` (Unix seconds), and not in a ``settled`` state."""

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
    """Bots, including removed ones, newest first, with these column values, shown in that state, of that account."""
    rows = _bots(account, **equal)
    rows = rows if state is None else rows.where(silence.shows(state))
    return page_of(rows, Agent.created_at, Agent.id, page)


def reports(page: Page, silence: Silence, state: str | None = None, **equal: object) -> list[Bot]:
    """Bots by the time of their node's last report on them, newest first."""
    rows = _bots(None, **equal).where(Bot.reported_at.is_null(False))
    rows = rows if state is None else rows.where(silence.shows(state))
    return page_of(rows, Bot.reported_at, Bot.agent, page)


def nodes(limit: int, after: str = "", label: Label | None = None, **equal: object) -> list[Node]:
    """Nodes by id, from after the id ``after``, with these column values and that label."""
    rows = _where(Node.select().where(Node.id > after, Node.forgotten_at.is_null()), Node, **equal)
    rows = rows if label is None else rows.where(labelled(label))
    return list(rows.order_by(Node.id).limit(limit))


def owning(accounts: list[str]) -> dict[str, int]:
    """How many bots belong to each of these accounts; accounts without bots are left out."""
    rows: Any = Belongs.select(Belongs.source, fn.COUNT(Belongs.target)).where(Belongs.source.in_(accounts))
    return dict(rows.group_by(Belongs.source).tuples())


def ports_used(nodes: list[str]) -> dict[str, int]:
    """How many ports are taken on each of these nodes; nodes without bots are left out."""
    rows: Any = Bot.select(Bot.node, fn.COUNT(Bot.port)).where(Bot.node.in_(nodes) & Bot.port.is_null(False))
    return dict(rows.group_by(Bot.node).tuples())
