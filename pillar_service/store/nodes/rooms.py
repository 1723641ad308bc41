"""Rooms: the nodes as placement sees them, with what is taken on each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pillar_service.core.nodes import presence
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.rooms import LEFT_FOR_S, Room, Sharing, Size
from pillar_service.core.people.agents import Belonging
from pillar_service.store.nodes import node_shares, nodes, standings
from pillar_service.store.nodes.nodes import Node
from pillar_service.store.sql import places, read


class Taken(NamedTuple):
    """What a node's bots take: their ports and the sum of their memory limits (MiB).

    ``akin`` counts those that belong to an owner of the bot to be placed.
    """

    ports: frozenset[int] = frozenset()
    memory_mb: int = 0
    akin: int = 0


def found(now: float, owners: Sequence[str], only: str | None = None) -> list[Room]:
    """All nodes, or only one, as placement sees them for a bot owned by these accounts (ids)."""
    there = nodes.listed() if only is None else [node for node in [nodes.find(only)] if node]
    taken, left = _taken(owners), _left(now)
    named, known = node_shares.everywhere(), standings.of([node.id for node in there])
    return [
        _room(
            node, taken.get(node.id, Taken()), named.get(node.id, frozenset()), known.get(node.id), now, left[node.id]
        )
        for node in there
    ]


def _room(
    node: Node,
    taken: Taken,
    named: frozenset[str],
    standing: standings.Standing | None,
    now: float,
    left: Iterable[int],
) -> Room:
    return Room(
        node=node.id,
        port_first=node.port_first,
        port_last=node.port_last,
        taken=taken.ports,
        left=frozenset(left),
        account=node.account,
        sharing=Sharing(node.sharing),
        named=named,
        bots_most=node.bots_most,
        size=Size(node.cpus, node.memory_mb, node.disk_mb),
        labels=node.labels,
        memory_mb=taken.memory_mb,
        akin=taken.akin,
        is_accepted=node.key_state != KeyState.REVOKED,
        is_draining=node.draining_at is not None,
        is_away=standing is not None and presence.looked(standing.presence, now).is_away,
    )


def _taken(owners: Sequence[str]) -> dict[str, Taken]:
    theirs = _owned(owners)
    held: dict[str, list[tuple[str, int, int]]] = {}
    for bot, node, port, memory_mb in read("SELECT agent, node, port, memory_mb FROM bot WHERE port IS NOT NULL"):
        held.setdefault(node, []).append((bot, port, memory_mb))
    return {
        node: Taken(
            frozenset(port for _, port, _ in bots), sum(mb for *_, mb in bots), sum(bot in theirs for bot, *_ in bots)
        )
        for node, bots in held.items()
    }


LEFT = (
    "SELECT b.node, b.port_before FROM bot b JOIN agent g ON g.id = b.agent "
    "WHERE b.port IS NULL AND b.port_before IS NOT NULL AND (b.purge_at IS NOT NULL OR g.removed_at > ?)"
)


def _left(now: float) -> dict[str, set[int]]:
    """By node, the ports of deleted bots that can be brought back, or were deleted in the last ``LEFT_FOR_S`` seconds."""
    found: dict[str, set[int]] = defaultdict(set)
    for node, port in read(LEFT, now - LEFT_FOR_S):
        found[node].add(port)
    return found


def _owned(owners: Sequence[str]) -> set[str]:
    told = f"SELECT target FROM belongs WHERE role = ? AND source IN ({places(len(owners))})"  # noqa: S608
    return {bot for (bot,) in read(told, str(Belonging.OWNER), *owners)} if owners else set()
