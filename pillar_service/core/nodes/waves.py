"""Upgrades of nodes in waves: first a few nodes, and the next wave only when all of them are well.

running -> done                       wave by wave: each node is asked, and must report the new version by itself;
  │  ^                                the next wave begins once all nodes of this one have done so
  v  │ resume
stopped                               a node failed, or did not report in time: no more nodes are asked
running, stopped -> cancelled         nodes that have the new version keep it
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pillar_service.core import durations, names
from pillar_service.core.errors import Invalid

DEADLINE_S = 1800
"""How many seconds the nodes of a wave have, unless the operator says otherwise."""

SOON_S, LATE_S = 60, 7 * 86_400
"""The shortest and longest deadline that an operator may set, in seconds."""

MOST_NAMED = 3
"""How many nodes a sentence names at most."""

REST = "rest"
_SIZE = re.compile(r"([1-9][0-9]{0,5})(%?)", re.ASCII)


class UpgradeState(StrEnum):
    """The state of a whole upgrade."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    CANCELLED = "cancelled"


class NodeState(StrEnum):
    """The state of one node in an upgrade."""

    WAITING = "waiting"
    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Seen:
    """What the service knows of a node that was ``asked_at``: the version that it reports (None: none yet), when it was
    last heard from, whether it counts as away, and which fault it reported for this very order."""

    node: str
    version: str | None
    asked_at: float
    heard_at: float | None
    is_away: bool
    fault: str | None


def split(nodes: Sequence[str], written: object) -> list[list[str]]:
    """The nodes of each wave, for sizes written as `1,10%,rest`: numbers, shares of all nodes (rounded up), the remainder.

    Waves without nodes are left out. Raises Invalid for sizes that are malformed, or do not cover all nodes.
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


_HOW = "Write waves as '1,10%,rest' (numbers or shares, 'rest' only at the end), not {}."


def _count(size: str, all: int, written: object) -> int:
    if size == REST:
        return all
    found = _SIZE.fullmatch(size)
    if not found or (found[2] and int(found[1]) > 100):
        raise Invalid(_HOW.format(names.shown(written)))
    return math.ceil(all * int(found[1]) / 100) if found[2] else int(found[1])


def deadline(written: object) -> int:
    """The deadline of a wave in seconds; raises Invalid."""
    seconds = durations.seconds(written, "deadline of a wave")
    if not SOON_S <= seconds <= LATE_S:
        raise Invalid(
            f"The deadline of a wave must be between {durations.words(SOON_S)} and {durations.words(LATE_S)}."
        )
    return seconds


def judge(seen: Seen, version: str, deadline_s: int, now: float) -> tuple[NodeState, str]:
    """The state of a node that was asked to become this version, and, if it failed, why."""
    if seen.fault:
        return NodeState.FAILED, f"{seen.node} says: {seen.fault}"
    is_there = seen.heard_at is not None and seen.heard_at > seen.asked_at and not seen.is_away
    if seen.version == version and is_there:
        return NodeState.DONE, ""
    if now - seen.asked_at > deadline_s:
        was = f"it is {seen.version}" if is_there else "it was not heard from since"
        return NodeState.FAILED, f"{seen.node} was not {version} within {durations.words(deadline_s)}: {was}."
    return NodeState.ASKED, ""


def sentence(faults: Sequence[str]) -> str:
    """Why an upgrade stopped."""
    more = f" And {len(faults) - MOST_NAMED} more." if len(faults) > MOST_NAMED else ""
    return f"Stopped: {' '.join(faults[:MOST_NAMED])}{more}"
