"""Forgetting a bot: what goes with its data, and what goes when its node can't be told."""

from pillar_service.core import names
from pillar_service.core.bots.moves import AT_HOME, MoveState, can_not_arrive
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.store.bots import bots, invites, moves, samples
from pillar_service.store.bots.bots import Bot
from pillar_service.store.nodes import nodes
from pillar_service.store.people import agents, sharing
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.service import auditing

LOST = "It was deleted while its node was lost."


def removed(bot: Bot, actor: str, said: str, now: float) -> None:
    """Record that a bot has been removed, which frees its name and port; does nothing if it was recorded before."""
    if bot.agent.removed_at is not None:
        return
    agents.change(bot.id, removed_at=now)
    last = {"report": None, "reported_at": None, "imported": None}
    bots.change(bot.id, port=None, port_before=bot.port, actual=str(Actual.GONE), detail="", **last)
    auditing.record(actor, "bots.gone", f"agent:{bot.id}", now, said)


def purged(bot: Bot, actor: str, now: float) -> None:
    """Record that a bot's data is gone: everything is forgotten but its identity, which transfers.take needs."""
    bots.change(bot.id, purge_at=None)
    samples.forget(bot.id)
    invites.forget(bot.id)
    sharing.forget(bot.id)
    agents.part_all(bot.id)
    auditing.record(actor, "bots.purged", f"agent:{bot.id}", now, bot.name)


def can_not_be_told(node: str) -> bool:
    """Whether nobody can tell a node anything, because it is declared lost or forgotten."""
    found = nodes.find(node)
    return found is None or found.lost_at is not None


def is_stuck(bot: Bot) -> bool:
    """Whether a bot is moving to a node where the last try to bring it to life failed."""
    move = moves.open_of(bot.id)
    return move is not None and can_not_arrive(MoveState(move.state), move.error)


def end_move(bot: Bot, now: float, why: str = "Its node was lost.") -> None:
    """End an open move: either the bot had not left its node yet, or the node that it left is to clear up later."""
    move = moves.open_of(bot.id)
    if move is not None:
        over = MoveState.BACK if move.state in AT_HOME else MoveState.LEFT
        moves.change(move.id, state=str(over), error=why, changed_at=now)


def with_its_node(bot: Bot, actor: str, now: float) -> None:
    """Record that a bot is gone for good together with its node, in the caller's transaction.

    Should the node be let in again, it finds a tombstone, and what it still has of the bot is cleared up.
    """
    bots.change(bot.id, desired=str(Desired.ABSENT), purge=True)
    removed(bot, actor, f"{bot.name}, with {bot.node}", now)
    if bot.node not in moves.left_by(bot.id):
        columns = {"bot": bot.id, "source": bot.node, "target": bot.node, "job": "", "actor": actor, "error": LOST}
        moves.add(id=names.new_id(), state=str(MoveState.LEFT), started_at=now, changed_at=now, **columns)
    purged(bot, actor, now)
    pillars.rewrite(bot.node)
