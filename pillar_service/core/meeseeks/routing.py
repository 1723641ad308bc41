"""Routing: to which node a command goes that any one of several can run. What nodes tell of themselves decides where it
goes, never whether it may."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A node that can run it: whether it ``is_here``, how many of its jobs are not over (``open``), how many it runs at once,
    and when it was chosen last (Unix seconds; 0.0 for never)."""

    node: str
    is_here: bool
    open: int
    at_once: int
    chosen_at: float


def best(places: Iterable[Place]) -> str:
    """The node that is here if any is, has the least to do for what it does at once, and whose turn it is."""
    return min(places, key=lambda one: (not one.is_here, one.open / one.at_once, one.chosen_at, one.node)).node


def at_once(concurrency: int, slots: object) -> int:
    """How many commands run on a node at once: what the place allows, at most what the node told (``slots``), if it did."""
    return max(1, min(concurrency, slots) if isinstance(slots, int) else concurrency)
