"""Placing: choosing a bot's node, by core's rules and what the database knows.

Every way in which a bot comes to a node goes through here: making, importing, moving, restoring, bringing back.
"""

import time
from collections.abc import Iterable, Sequence

from pillar_service.core import names
from pillar_service.core.bots.placement import Wish
from pillar_service.core.bots.placement import place as best
from pillar_service.core.errors import Conflict
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes.rooms import Owner, Room, Sharing
from pillar_service.core.nodes.selectors import EVERYTHING
from pillar_service.core.people.agents import Belonging
from pillar_service.store.bots import bots
from pillar_service.store.bots.bots import Bot
from pillar_service.store.nodes import rooms
from pillar_service.store.people import accounts, agents


def place(
    owners: Sequence[str], memory_mb: int, node: object = None, selector: object = None, besides: Iterable[str] = ()
) -> tuple[str, int]:
    """The node for a bot of these accounts (ids) with that memory limit (MiB), and its port there.

    Call it in a transaction. ``node`` is a chosen node; its labels must match ``selector``; nodes in ``besides`` are
    left out. Raises Invalid, NotFound, Full.
    """
    wish = Wish(
        tuple(_owner(id) for id in owners),
        memory_mb,
        None if node is None else names.node_id(node),
        EVERYTHING if selector is None else selectors.parse(selector),
        frozenset(besides),
    )
    return best(rooms.found(time.time(), owners, wish.node), wish)


def _owner(id: str) -> Owner:
    account = accounts.find(id)
    assert account is not None
    return Owner(id, "" if account.verified_at is None else account.email)


def owners(bot: str) -> list[str]:
    """The accounts (ids) that own a bot."""
    return [row.source for row in agents.people_of([bot], Belonging.OWNER)]


def room_of(bot: Bot) -> Room:
    """The node that has the data of a deleted bot; raises Conflict if the bot can't come to life there."""
    theirs = owners(bot.id)
    room = _room(bot.node, theirs)
    if not may_be_on(bot.node, theirs):
        raise Conflict(f"{bot.node}, which has the data of {bot.name}, no longer takes bots of its owner.")
    why = room.hindrance(0)
    if why not in (None, "full", "away"):
        raise Conflict(f"{bot.node}, which has the data of {bot.name}, is {why}: it can't come back there.")
    return room


def may_be_on(node: str, owners: Sequence[str]) -> bool:
    """Whether bots of these accounts may be on a node if their owners chose it."""
    room = _room(node, owners)
    return all(room.may_have(_owner(id), is_chosen=True) for id in owners)


def _room(node: str, owners: Sequence[str]) -> Room:
    [room] = rooms.found(time.time(), owners, node)
    return room


def port_again(pub_id: str, node: str) -> int | None:
    """The port that the last bot with this identity had, if it is free on a node."""
    gone = sorted(bots.with_pub_id(pub_id), key=lambda bot: bot.agent.removed_at or 0, reverse=True)
    return same_port([bot.port_before for bot in gone], node)


def same_port(had: Iterable[int | None], node: str) -> int | None:
    """The first of a bot's former ports that is free on a node."""
    return _room(node, []).again(had)


def choices(person: str) -> list[str]:
    """The nodes that a person may choose by name for a new bot: their own, and those shared with them."""
    owner = _owner(person)
    found = rooms.found(time.time(), [person])
    return [
        room.node
        for room in found
        if room.may_have(owner, True) and (room.account == person or room.sharing is Sharing.NAMED)
    ]
