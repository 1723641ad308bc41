"""Nodes as placement sees them: whose bots each takes, what it has room for, and why it takes none now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pillar_service.core.durations import DAY_S

PER_CPU = 16
"""How many bots one CPU carries."""

DISK_MB = 1024
"""How much disk a node must have for each bot, in MiB."""

OVERCOMMIT = 2
"""The memory limits of a node's bots may add up to this many times its memory: a pub seldom uses half of its limit."""

LEFT_FOR_S = 7 * DAY_S
"""For this many seconds, a deleted bot's port is given to another bot only if no other port is free: the deleted bot
may come back, or may have been deleted because another program uses that port."""

DATA = "/var/lib/saltcellar"
"""Where a node keeps its bots by default."""


class Sharing(StrEnum):
    """Whose bots a node takes: those of its own account, also those of named accounts, or everybody's."""

    OWN = "own"
    NAMED = "named"
    ALL = "all"


@dataclass(frozen=True)
class Owner:
    """An account that owns the bot to be placed; its e-mail address is empty if it is not verified."""

    id: str
    email: str


@dataclass(frozen=True)
class Size:
    """The resources that a node reports; None if unknown. They grant nothing, because a node can report what it likes."""

    cpus: int | None = None
    memory_mb: int | None = None
    disk_mb: int | None = None


def size(facts: Mapping[str, Any]) -> Size:
    """The size of a node according to its facts (core.nodes.facts)."""
    grains = facts.get("grains")
    told = grains if isinstance(grains, Mapping) else {}
    return Size(_count(told.get("num_cpus")), _count(told.get("mem_total")), _disk(facts.get("disks")))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def _disk(disks: object) -> int | None:
    """The size in MiB of the disk that holds the bots: the one with the longest mount point above their folder."""
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
    """A node as placement sees it. Its ports are ``port_first`` to ``port_last``, both included.

    ``account`` is whose node it is (None: the place's own); ``named`` are the e-mail addresses with which it is shared;
    ``bots_most`` is the most bots that its owner allows. Of the bots on it, it has the ports that are ``taken``, the
    ports that deleted ones ``left``, the sum of their memory limits, and how many have the same owners as the bot to be
    placed (``akin``).
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
        """The lowest free port, or None; a port that a deleted bot left is used only if no other is free."""
        return self._lowest(self.taken | self.left) or self._lowest(self.taken)

    def _lowest(self, besides: frozenset[int]) -> int | None:
        return next((port for port in range(self.port_first, self.port_last + 1) if port not in besides), None)

    def has_free(self, port: int) -> bool:
        """Whether this port belongs to the node and is free."""
        return self.port_first <= port <= self.port_last and port not in self.taken

    def again(self, had: Iterable[int | None]) -> int | None:
        """The first free one of the ports that a bot had: its invites contain the port, so with it they still work."""
        return next((port for port in had if port and self.has_free(port)), None)

    @property
    def most(self) -> int:
        """How many bots it can have: limited by its ports, its owner, its CPUs and its disk."""
        told = (
            self.port_last - self.port_first + 1,
            self.bots_most,
            None if self.size.cpus is None else PER_CPU * self.size.cpus,
            None if self.size.disk_mb is None else self.size.disk_mb // DISK_MB,
        )
        return min(one for one in told if one is not None)

    def may_have(self, owner: Owner, is_chosen: bool) -> bool:
        """Whether a bot of that account may be placed here.

        Whoever has a node can read what is on it. So it is not enough that the account is named: it must have chosen
        the node. Otherwise anybody could attract other people's bots to a machine of theirs.
        """
        if self.account == owner.id or self.sharing is Sharing.ALL:
            return True
        return is_chosen and self.sharing is Sharing.NAMED and owner.email in self.named

    def hindrance(self, memory_mb: int) -> str | None:
        """Why it takes no bot with this memory limit now; None if it does."""
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
