"""Events are forgotten: those that are too old, and the oldest of a node of which too much is kept."""

from collections.abc import Sequence

from pillar_service.settings import settings
from pillar_service.store.events import events, forgotten, held
from pillar_service.usecases.events import deliveries

ROWS = 1000
"""How many events go at a time, at most."""

ROUNDS = 4
"""So often one batch of a node makes room: for more than it brings, and no other writer waits for long."""


def forget(old: Sequence[int], now: float) -> int:
    """Forget the events with these numbers, in the caller's transaction; of how many."""
    deliveries.lose(old)
    forgotten.note(old, now)
    return events.forget(old)


def most() -> int:
    """How many bytes are kept of one node; 0 for no end."""
    return settings().keep_events_mib << 20


def make_room(node: str, size: int, now: float) -> None:
    """Forget the oldest of what a node told, of whom so many bytes are kept, while that is more than may be.

    In the caller's transaction.
    """
    for _ in range(ROUNDS):
        if not _forget_above(node, size, now):
            return
        size = held.of(node)


def forget_oldest(node: str, now: float) -> int:
    """Forget some of the oldest that a node told, if more of it is kept than may be; how many."""
    return _forget_above(node, held.of(node), now)


def _forget_above(node: str, size: int, now: float) -> int:
    bound = most()
    if not bound or size <= bound:
        return 0
    return forget(events.oldest(node, size - bound, ROWS), now)
