"""Forgetting a bot: what goes with its data, and what goes where its node can't be told of it any more."""

from pillar_service.core import names
from pillar_service.core.bots.moves import MoveState
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.store.bots import bots, invites, moves, samples
from pillar_service.store.bots.bots import Bot
from pillar_service.store.nodes import nodes
from pillar_service.store.people import agents, sharing
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.service import auditing

LOST = "It was deleted while its node was lost."


def removed(bot: Bot, actor: str, said: str, now: float) -> None:
    """A bot is removed, unless it was before: its name and port are free."""
    if bot.agent.removed_at is not None:
        return
    agents.change(bot.id, removed_at=now)
    last = {"report": None, "reported_at": None, "imported": None}
    bots.change(bot.id, port=None, port_before=bot.port, actual=str(Actual.GONE), detail="", **last)
    auditing.record(actor, "bots.gone", f"agent:{bot.id}", now, said)


def purged(bot: Bot, actor: str, now: float) -> None:
    """A bot's data is gone: all is forgotten but the identity (transfers.take needs it)."""
    bots.change(bot.id, purge_at=None)
    samples.forget(bot.id)
    invites.forget(bot.id)
    sharing.forget(bot.id)
    agents.part_all(bot.id)
    auditing.record(actor, "bots.purged", f"agent:{bot.id}", now, bot.name)


def can_not_be_told(node: str) -> bool:
    """Whether nobody can tell a node anything: it was declared lost, or is forgotten."""
    found = nodes.find(node)
    return found is None or found.lost_at is not None


def with_its_node(bot: Bot, actor: str, now: float) -> None:
    """A bot is gone for good with the node that has it, in the caller's transaction.

    Should that node be let in again, a tombstone is there, and what it has of the bot is cleared up.
    """
    bots.change(bot.id, desired=str(Desired.ABSENT), purge=True)
    removed(bot, actor, f"{bot.name}, with {bot.node}", now)
    if bot.node not in moves.left_by(bot.id):
        columns = {"bot": bot.id, "source": bot.node, "target": bot.node, "job": "", "actor": actor, "error": LOST}
        moves.add(id=names.new_id(), state=str(MoveState.LEFT), started_at=now, changed_at=now, **columns)
    purged(bot, actor, now)
    pillars.rewrite(bot.node)
