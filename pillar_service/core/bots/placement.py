"""Where a bot goes: which nodes may have it, which of them have room, which is the best, and the bot's port there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pillar_service.core.errors import Full, Invalid, NotFound
from pillar_service.core.nodes.labels import with_id
from pillar_service.core.nodes.rooms import Owner, Room
from pillar_service.core.nodes.selectors import EVERYTHING, Selector


@dataclass(frozen=True)
class Wish:
    """A bot to be placed. ``node`` is the chosen node, if any; ``besides`` are nodes on which it must not be."""

    owners: tuple[Owner, ...]
    memory_mb: int
    node: str | None = None
    selector: Selector = EVERYTHING
    besides: frozenset[str] = frozenset()


def place(rooms: Iterable[Room], wish: Wish) -> tuple[str, int]:
    """The best node for a bot, and the bot's port there.

    Prefers the node with the fewest bots of the same account, then the one with the smallest share of its places taken,
    then the owner's own. Raises NotFound if the account may not use the chosen node, Invalid if none of its nodes has
    the labels, and Full, with the reason, if no node can take the bot now.
    """
    fit = _fitting(rooms, wish)
    free = [room for room in fit if room.hindrance(wish.memory_mb) is None]
    if not free:
        raise Full(_why(fit, wish))
    best = min(free, key=lambda room: _order(room, wish))
    port = best.port()
    assert port is not None
    return best.node, port


def _fitting(rooms: Iterable[Room], wish: Wish) -> list[Room]:
    chosen = wish.node is not None
    usable = [room for room in rooms if all(room.may_have(owner, chosen) for owner in wish.owners)]
    if chosen:
        usable = [room for room in usable if room.node == wish.node]
        if not usable:
            raise NotFound(
                f"There is no node {wish.node} on which this account may place bots: choose another, or none."
            )
    if not usable:
        raise Full("There is no node on which this account may place bots: add a node, or ask whoever runs this place.")
    fit = [room for room in usable if wish.selector.matches(with_id(room.labels, room.node))]
    if not fit:
        raise Invalid(
            f"No node that this account may use matches {wish.selector}: ask for other labels, or leave them out."
        )
    left = [room for room in fit if room.node not in wish.besides]
    if not left:
        these = " and ".join(sorted(wish.besides))
        raise Full(f"No node other than {these} may have this bot: add a node, or share another with its owner.")
    return left


def _order(room: Room, wish: Wish) -> tuple[int, float, bool, str]:
    is_own = any(room.account == owner.id for owner in wish.owners)
    return room.akin, len(room.taken) / room.most, not is_own, room.node


ADVICE = {
    "full": "delete a bot, add a node, or raise a node's limits (ports, number of bots)",
    "away": "wait until it is heard from again",
    "being drained": "wait, or stop draining it",
    "cut off": "enrol it again",
}


def _why(fit: list[Room], wish: Wish) -> str:
    counts = Counter(str(room.hindrance(wish.memory_mb)) for room in fit)
    advice = "; ".join(said for why, said in ADVICE.items() if why in counts)
    if wish.node is not None:
        return f"{wish.node} is {next(iter(counts))}, so it takes no new bot: {advice}, or choose another node."
    told = ", ".join(f"{count} {'is' if count == 1 else 'are'} {why}" for why, count in sorted(counts.items()))
    return f"No node can take another bot now ({told}): {advice}."
