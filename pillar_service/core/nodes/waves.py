"""Nodes become another version in waves: a few first, and the next ones only when all of those are well.

running -> done                       each wave in turn: its nodes are asked, and each says that it is the version
  │  ^                                by itself; the next wave begins when all of this one have
  v  │ resume
stopped                               a node failed, or was not there in time: nothing more is asked of any
running, stopped -> cancelled         nodes that are the version already stay so
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pillar_service.core import durations, names
from pillar_service.core.errors import Invalid

DEADLINE_S = 1800
"""How long the nodes of a wave have, unless the operator says otherwise."""

SOON_S, LATE_S = 60, 7 * 86_400
"""The least and the most that an operator may say."""

MOST_NAMED = 3
"""So many nodes a sentence names."""

REST = "rest"
_SIZE = re.compile(r"([1-9][0-9]{0,5})(%?)", re.ASCII)


class UpgradeState(StrEnum):
    """How a whole upgrade stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    CANCELLED = "cancelled"


class NodeState(StrEnum):
    """How one node in it stands."""

    WAITING = "waiting"
    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Seen:
    """A node as the service knows it: which version it says that it is (None: not yet), since it was ``asked_at``
    when it was last heard, whether it counts as away, and what it said that went wrong with this very order."""

    node: str
    version: str | None
    asked_at: float
    heard_at: float | None
    is_away: bool
    fault: str | None


def split(nodes: Sequence[str], written: object) -> list[list[str]]:
    """The nodes of each wave, for sizes as `1,10%,rest`: numbers, shares of all (rounded up), what is left.

    Waves for which no node is left are none. Raises Invalid for what is no such list, or leaves nodes out.
    """
    left, waves = list(nodes), []
    sizes = [one.strip() for one in written.split(",")] if isinstance(written, str) else []
    if not sizes or REST in sizes[:-1]:
        raise Invalid(_HOW.format(names.shown(written)))
    for size in sizes:
        count = _count(size, len(nodes), written)
        waves.append(left[:count])
        left = left[count:]
    if left:
        raise Invalid(f"The waves {written} leave {len(left)} of {len(nodes)} nodes out: end with '{REST}'.")
    return [wave for wave in waves if wave]


_HOW = "Waves are written as '1,10%,rest', numbers or shares, with 'rest' only at the end; not {}."


def _count(size: str, all: int, written: object) -> int:
    if size == REST:
        return all
    found = _SIZE.fullmatch(size)
    if not found or (found[2] and int(found[1]) > 100):
        raise Invalid(_HOW.format(names.shown(written)))
    return math.ceil(all * int(found[1]) / 100) if found[2] else int(found[1])


def deadline(written: object) -> int:
    """How long a wave's nodes have, in seconds; raises Invalid."""
    seconds = durations.seconds(written, "deadline of a wave")
    if not SOON_S <= seconds <= LATE_S:
        raise Invalid(f"The deadline of a wave is between {durations.words(SOON_S)} and {durations.words(LATE_S)}.")
    return seconds


def judge(seen: Seen, version: str, deadline_s: int, now: float) -> tuple[NodeState, str]:
    """How a node stands that was asked to become this version, and, where it failed, why."""
    if seen.fault:
        return NodeState.FAILED, f"{seen.node} says: {seen.fault}"
    is_there = seen.heard_at is not None and seen.heard_at > seen.asked_at and not seen.is_away
    if seen.version == version and is_there:
        return NodeState.DONE, ""
    if now - seen.asked_at > deadline_s:
        was = f"it is {seen.version}" if is_there else "it was not heard of since"
        return NodeState.FAILED, f"{seen.node} was not {version} within {durations.words(deadline_s)}: {was}."
    return NodeState.ASKED, ""


def sentence(faults: Sequence[str]) -> str:
    """Why an upgrade stopped."""
    more = f" And {len(faults) - MOST_NAMED} more." if len(faults) > MOST_NAMED else ""
    return f"Stopped: {' '.join(faults[:MOST_NAMED])}{more}"
