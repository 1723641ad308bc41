"""Search: the few rows of each noun that a word finds. Ids are looked up; only names and addresses are looked through."""

from pillar_service.core.agents import AgentType
from pillar_service.store.accounts import Account
from pillar_service.store.agents import Agent
from pillar_service.store.audit import Audit
from pillar_service.store.bots import Bot
from pillar_service.store.jobs import Job
from pillar_service.store.nodes import Node


def accounts(word: str, limit: int) -> list[Account]:
    """Accounts whose id it is, or whose address or name holds it."""
    rows = Account.select(Account, Agent).join(Agent)
    found = (Account.agent == word) | Account.email.contains(word) | Agent.name.contains(word)
    return list(rows.where(found).order_by(Account.email).limit(limit))


def bots(word: str, limit: int) -> list[Bot]:
    """Bots, gone ones too, whose id it is, or whose name or pub id holds it."""
    rows = Bot.select(Bot, Agent).join(Agent).where(Agent.type == str(AgentType.BOT))
    found = (Bot.agent == word) | Agent.name.contains(word) | Bot.pub_id.contains(word)
    return list(rows.where(found).order_by(Agent.name, Agent.id).limit(limit))


def nodes(word: str, limit: int) -> list[Node]:
    """Nodes whose id holds it."""
    return list(Node.select().where(Node.id.contains(word)).order_by(Node.id).limit(limit))


def jobs(word: str, limit: int) -> list[Job]:
    """The job with that id, else the jobs of an actor, the newest first."""
    named = list(Job.select().where(Job.id == word))
    return named or list(Job.select().where(Job.actor == word).order_by(Job.created_at.desc()).limit(limit))


def actors(names: list[str]) -> list[str]:
    """Which of these have done something."""
    return [name for name in names if Audit.select().where(Audit.actor == name).exists()]
