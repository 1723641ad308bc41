"""Routing: which of several able nodes runs a command that needs only one. What nodes report about themselves decides
where it runs, never whether it may."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A node that can run the command.

    ``open`` is how many of its jobs are not over, ``at_once`` how many it runs at once, ``chosen_at`` when it was last
    chosen (Unix seconds; 0.0: never).
    """

    node: str
    is_here: bool
    open: int
    at_once: int
    chosen_at: float


def best(places: Iterable[Place]) -> str:
    """The best node: preferably one that is here, then the least busy for its capacity, then the one least recently chosen."""
    return min(places, key=lambda one: (not one.is_here, one.open / one.at_once, one.chosen_at, one.node)).node


def at_once(concurrency: int, slots: object) -> int:
    """How many commands run on a node at once: what the place allows, or fewer if the node says so (``slots``)."""
    return max(1, min(concurrency, slots) if isinstance(slots, int) else concurrency)
