"""Nodes as placement sees them: whose bots each takes, what it has, and why it takes none now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pillar_service.core.durations import DAY_S

PER_CPU = 16
"""So many bots a processor carries."""

DISK_MB = 1024
"""So much of its disk a node must have for each bot, in MiB."""

OVERCOMMIT = 2
"""So many times its memory the limits of a node's bots may add up to: a pub seldom uses half of its own."""

LEFT_FOR_S = 7 * DAY_S
"""For so long the port that a deleted bot had goes to another one only where no other is free: it may come back, or is gone
because another program has that port."""

DATA = "/var/lib/saltcellar"
"""Where a node keeps its bots, unless it was told otherwise."""


class Sharing(StrEnum):
    """Whose bots a node takes: those of its own account, of named ones too, or of all."""

    OWN = "own"
    NAMED = "named"
    ALL = "all"


@dataclass(frozen=True)
class Owner:
    """An account that owns the bot which is to be placed; its address, empty where it is not verified."""

    id: str
    email: str


@dataclass(frozen=True)
class Size:
    """What a node told that it has; None where it did not say. Never a permission, for a node can tell what it likes."""

    cpus: int | None = None
    memory_mb: int | None = None
    disk_mb: int | None = None


def size(facts: Mapping[str, Any]) -> Size:
    """What a node has, by its facts (core.nodes.facts)."""
    grains = facts.get("grains")
    told = grains if isinstance(grains, Mapping) else {}
    return Size(_count(told.get("num_cpus")), _count(told.get("mem_total")), _disk(facts.get("disks")))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def _disk(disks: object) -> int | None:
    """The size of the disk that has the bots: that with the longest path above theirs."""
    if not isinstance(disks, Mapping):
        return None
    above = [where for where in disks if isinstance(where, str) and _is_above(where)]
    disk = disks[max(above, key=len)] if above else None
    told = disk.get("size_bytes") if isinstance(disk, Mapping) else None
    return _count(told >> 20) if isinstance(told, int) else None


def _is_above(where: str) -> bool:
    return f"{DATA}/".startswith(f"{where.rstrip('/')}/")


@dataclass(frozen=True)
class Room:
    """A node as placement sees it. Ports count from ``port_first`` to ``port_last``, both included.

    ``account`` is whose node it is (None: the place's own); ``named`` are the e-mail addresses with which it is shared;
    ``bots_most`` is what its owner allows. Of its bots: the ports that are ``taken``, those that deleted ones ``left``, what
    their limits of memory add up to, and how many are of the owners of the bot that is to be placed (``akin``).
    """

    node: str
    port_first: int
    port_last: int
    taken: frozenset[int] = frozenset()
    left: frozenset[int] = frozenset()
    account: str | None = None
    sharing: Sharing = Sharing.ALL
    named: frozenset[str] = frozenset()
    bots_most: int | None = None
    size: Size = Size()
    labels: Mapping[str, str] = field(default_factory=dict)
    memory_mb: int = 0
    akin: int = 0
    is_accepted: bool = True
    is_draining: bool = False
    is_away: bool = False

    def port(self) -> int | None:
        """The lowest free port, or None; one that a deleted bot left only where no other is free."""
        return self._lowest(self.taken | self.left) or self._lowest(self.taken)

    def _lowest(self, besides: frozenset[int]) -> int | None:
        return next((port for port in range(self.port_first, self.port_last + 1) if port not in besides), None)

    def has_free(self, port: int) -> bool:
        """Whether that very port is the node's and free."""
        return self.port_first <= port <= self.port_last and port not in self.taken

    def again(self, had: Iterable[int | None]) -> int | None:
        """The first of the ports that a bot had which is free: invites name the port, and so those that it gave out work on."""
        return next((port for port in had if port and self.has_free(port)), None)

    @property
    def most(self) -> int:
        """How many bots it can have: its ports, what its owner allows, what its processors and its disk carry."""
        told = (
            self.port_last - self.port_first + 1,
            self.bots_most,
            None if self.size.cpus is None else PER_CPU * self.size.cpus,
            None if self.size.disk_mb is None else self.size.disk_mb // DISK_MB,
        )
        return min(one for one in told if one is not None)

    def may_have(self, owner: Owner, is_chosen: bool) -> bool:
        """Whether bots of that account may be here.

        Who has a node can read what is on it. So being named is not enough: that account must have chosen the node, or
        anybody could draw other people's bots to a machine of theirs.
        """
        if self.account == owner.id or self.sharing is Sharing.ALL:
            return True
        return is_chosen and self.sharing is Sharing.NAMED and owner.email in self.named

    def hindrance(self, memory_mb: int) -> str | None:
        """Why it takes no bot with such a limit of memory now, or None."""
        if not self.is_accepted:
            return "cut off"
        if self.is_draining:
            return "being drained"
        if self.is_away:
            return "away"
        return None if self._has_room(memory_mb) else "full"

    def _has_room(self, memory_mb: int) -> bool:
        if len(self.taken) >= self.most or self.port() is None:
            return False
        return self.size.memory_mb is None or self.memory_mb + memory_mb <= OVERCOMMIT * self.size.memory_mb
