"""Draining: a node takes no new bots, and its bots move to other nodes, one at a time."""

import time
from typing import Any

from pillar_service.core.bots.moves import MoveState
from pillar_service.core.errors import Conflict, Full, SaltcellarError
from pillar_service.core.people.agents import Desired
from pillar_service.core.people.permissions import NodeAct
from pillar_service.store.bots import bots
from pillar_service.store.bots import moves as rows
from pillar_service.store.bots.bots import Bot
from pillar_service.store.bots.moves import Move
from pillar_service.store.database import transaction
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.people import agents
from pillar_service.usecases.bots import moves
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.service import auditing

LOOK_S = 5
TRIED_AT_ONCE = 5
"""How many of a node's bots one look tries to move; after LOOK_S seconds the next look tries others."""


def drain(actor: str, id: object) -> dict[str, Any]:
    """Stop a node from taking new bots, and move its bots to other nodes; returns its state as `show` does.

    Calling it again retries the bots that stayed. Raises NotFound.
    """
    return _set(actor, id, time.time(), "nodes.drain")


def undrain(actor: str, id: object) -> dict[str, Any]:
    """Let a node take new bots again; moves under way go on, and bots that moved stay where they are. Raises NotFound."""
    return _set(actor, id, None, "nodes.undrain")


def _set(actor: str, id: object, at: float | None, action: str) -> dict[str, Any]:
    with transaction():
        node = nodes.found(id)
        node_rows.change(node.id, draining_at=at)
        auditing.record(actor, action, f"node:{node.id}", time.time())
        return show(node.id)


def drain_of(person: str, id: object) -> None:
    """Drain a node, as a person who may; raises NotFound for a node that they may not see."""
    drain(f"account:{person}", nodes.allowed(person, NodeAct.OFFER, id).id)


def undrain_of(person: str, id: object) -> None:
    """Let a node take new bots again, as a person who may."""
    undrain(f"account:{person}", nodes.allowed(person, NodeAct.OFFER, id).id)


def go_on(now: float | None = None) -> int:
    """Start the next move from each draining node that has none under way; returns how many started."""
    then = time.time() if now is None else now
    return sum(_next(id, then) for id in node_rows.draining())


def _next(id: str, now: float) -> bool:
    with transaction():
        node = node_rows.find(id)
        if node is None or node.draining_at is None or node.lost_at is not None:
            return False
        since = min(node.draining_at, now)
        if since < node.draining_at:
            # The clock was ahead when the draining began: without this, the same bots would be tried again and again.
            node_rows.change(id, draining_at=since)
        if any(_is_going(move) for move in rows.from_node(id, now)):
            return False
        return any(_goes(bot, now) for bot in _some(_left(id, since), now))


def _is_going(move: Move) -> bool:
    # A move that only has to be cleared up holds up no other: its bot already runs elsewhere.
    return move.state not in (MoveState.CLEARING, MoveState.DONE, MoveState.BACK)


def _left(node: str, since: float) -> list[Bot]:
    tried = {move.bot for move in rows.from_node(node, since)}
    return [bot for bot in bots.listed(node=node) if bot.id not in tried and bot.desired != Desired.ABSENT]


def _some(left: list[Bot], now: float) -> list[Bot]:
    first = int(now // LOOK_S) * TRIED_AT_ONCE % len(left) if len(left) > TRIED_AT_ONCE else 0
    return (left[first:] + left[:first])[:TRIED_AT_ONCE]


def _goes(bot: Bot, now: float) -> bool:
    try:
        moves.begin("drain", bot, now)
    except (Full, Conflict):
        return False  # `show` tells why; a later look tries again
    return True


def show(id: str, person: str | None = None) -> dict[str, Any]:
    """{"node", "draining_at", "moves", "left"}: how a draining stands; for a person: only the bots that they belong to.

    ``moves`` are those since the draining began; ``left`` says, by name, why bots are still there.
    """
    node = nodes.found(id)
    theirs = None if person is None else frozenset(agents.bots_of(person))
    begun = rows.from_node(id, node.draining_at or time.time())
    named = bots.with_ids({move.bot for move in begun})
    told = [_told(move, named[move.bot]) for move in begun if theirs is None or move.bot in theirs]
    there = [bot for bot in bots.listed(node=id) if theirs is None or bot.id in theirs]
    left = {} if node.draining_at is None else {bot.name: _why(bot, node.draining_at) for bot in there}
    return {"node": id, "draining_at": node.draining_at, "moves": told, "left": left}


def _told(move: Move, bot: Bot) -> dict[str, Any]:
    keys = ("source", "target", "state", "error", "started_at", "changed_at")
    return {"bot": bot.name, **{key: getattr(move, key) for key in keys}}


def _why(bot: Bot, since: float) -> str:
    tried = next((move for move in rows.from_node(bot.node, since) if move.bot == bot.id), None)
    if tried is not None:
        stayed = tried.state == MoveState.BACK
        return f"It stayed: {tried.error} Drain the node again to try it again." if stayed else "It is on its way."
    try:
        moves.check(bot)
    except SaltcellarError as error:
        return error.sentence
    return "It is waiting for its turn."
