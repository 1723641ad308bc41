"""Forgetting: drop events that are too old, and a node's oldest when too many of its bytes are kept."""

from collections.abc import Sequence

from pillar_service.settings import settings
from pillar_service.store.events import events, forgotten, held
from pillar_service.usecases.events import deliveries

ROWS = 1000
"""How many events are forgotten at a time, at most."""

ROUNDS = 4
"""How many times one batch makes room: enough for more than it brings, without making other writers wait long."""


def forget(old: Sequence[int], now: float) -> int:
    """Forget the events with these numbers, in the caller's transaction; returns how many."""
    deliveries.lose(old)
    forgotten.note(old, now)
    return events.forget(old)


def most() -> int:
    """How many bytes are kept for each node; 0 for no limit."""
    return settings().keep_events_mib << 20


def make_room(node: str, size: int, now: float) -> None:
    """Forget a node's oldest events as long as more is kept than allowed, in the caller's transaction.

    ``size`` is how many bytes of it are kept now.
    """
    for _ in range(ROUNDS):
        if not _forget_above(node, size, now):
            return
        size = held.of(node)


def forget_oldest(node: str, now: float) -> int:
    """Forget some of a node's oldest events if more is kept than allowed; returns how many."""
    return _forget_above(node, held.of(node), now)


def _forget_above(node: str, size: int, now: float) -> int:
    bound = most()
    if not bound or size <= bound:
        return 0
    return forget(events.oldest(node, size - bound, ROWS), now)
