"""The events that wait in the spool's file; each function in the caller's transaction.

An event's number ``n`` is its epoch and its sequence in one: it grows for ever. ``turn`` is how dear it is to be told: its
own priority, or that of a dearer one that came after it in its stream, so that the order by turn keeps each stream's order.
What was ``sent`` once may be at the service, whatever became of the answer: it is not let go for want of room, or a gap would
tell of a loss that was none. Once too old it goes, with a reason of its own.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from pillar_service.core.events.gaps import Reason
from pillar_service.core.events.submission import BATCH_BYTES, MOST_NUMBER, Priority
from pillar_service.node.clock import Moment
from pillar_service.node.spool import losses

SHIFT = 31
COLUMNS = "n, stream, priority, type, subject, data, size, at, mono, boot, synced"
OVERHEAD, ENVELOPE = 300, 500
"""Bytes that an event takes beside its data: in the file; and on the wire, more than that."""


@dataclass(frozen=True)
class Bounds:
    """How much waits at most: bytes in all, of which some are for vital events alone, and for how many seconds."""

    bytes: int = 64 << 20
    reserved: int = 8 << 20
    age_s: float = 30 * 86_400.0

    def of(self, priority: int) -> int:
        """How many bytes may wait when an event of that priority comes."""
        return self.bytes if priority == Priority.VITAL else self.bytes - self.reserved


class Place(NamedTuple):
    """By which the service knows an event of this node."""

    epoch: int
    sequence: int

    @classmethod
    def of(cls, n: int) -> "Place":
        """The place that is this number."""
        return cls(n >> SHIFT, n & MOST_NUMBER)

    @property
    def n(self) -> int:
        """The number in the file."""
        return self.epoch << SHIFT | self.sequence


class Draft(NamedTuple):
    """An event before it has a place; its data is JSON."""

    type: str
    subject: str
    data: str
    stream: str
    priority: int

    @property
    def size(self) -> int:
        """What it takes of the room there is."""
        return len(self.data.encode()) + len(self.subject.encode()) + len(self.type) + OVERHEAD


def put(at: sqlite3.Connection, draft: Draft, now: Moment) -> Place:
    """Add an event at the end of its stream."""
    size = draft.size
    place = Place(*at.execute(_NEXT, (size,)).fetchone())
    at.execute(
        "UPDATE event SET turn = ? WHERE stream = ? AND turn > ?", (draft.priority, draft.stream, draft.priority)
    )
    values = (place.n, draft.stream, draft.priority, draft.type, draft.subject, draft.data, size, *now, draft.priority)
    at.execute(_PUT, values)
    return place


_NEXT = "UPDATE life SET sequence = sequence + 1, bytes = bytes + ? RETURNING epoch, sequence"
_PUT = f"INSERT INTO event ({COLUMNS}, turn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608


def is_room(at: sqlite3.Connection, draft: Draft, bounds: Bounds) -> bool:
    """Make room for an event by letting go of what is no dearer, the least dear and oldest first; whether there is now."""
    over = at.execute("SELECT bytes FROM life").fetchone()[0] + draft.size - bounds.of(draft.priority)
    if over <= 0:
        return True
    told = f"SELECT {COLUMNS} FROM event WHERE priority > 0 AND priority >= ? AND sent = 0 ORDER BY priority DESC, n"  # noqa: S608
    going, freed = [], 0
    for row in at.execute(told, (draft.priority,)):
        going.append(row)
        freed += row[6]
        if freed >= over:
            let_go(at, going, Reason.FULL)
            return True
    return False


def forget_old(at: sqlite3.Connection, now: Moment, bounds: Bounds) -> None:
    """Let go of what has waited too long, if that is known: by one boot's clock, or by two that were kept right."""
    told = f"""SELECT {COLUMNS}, sent FROM event WHERE priority > 0 AND (
    CASE WHEN boot = ? THEN mono < ? ELSE synced AND ? AND at < ? END)"""  # noqa: S608
    before = (now.boot, now.mono - bounds.age_s, now.is_synced, now.at - bounds.age_s)
    old = at.execute(told, before).fetchall()
    let_go(at, [row for row in old if not row[-1]], Reason.AGE)
    let_go(at, [row for row in old if row[-1]], Reason.UNANSWERED)


def let_go(at: sqlite3.Connection, rows: Iterable[tuple[Any, ...]], reason: Reason) -> None:
    """Drop events, and note of which stream, and why."""
    for n, stream, priority, *_ in rows:
        epoch, sequence = Place.of(n)
        losses.note(at, epoch, stream, priority, reason, sequence)
        forget(at, n)


def forget(at: sqlite3.Connection, n: int) -> None:
    """An event is no longer here."""
    freed = at.execute("DELETE FROM event WHERE n = ? RETURNING size", (n,)).fetchall()
    at.executemany("UPDATE life SET bytes = bytes - ?", freed)


def batch(at: sqlite3.Connection, most: int, only: str | None) -> list[tuple[Any, ...]]:
    """What is to be told next, in order, at most so many, and as much as one request takes; it counts as sent from now."""
    told = f"SELECT {COLUMNS} FROM event WHERE ? IS NULL OR type = ? ORDER BY turn, n LIMIT ?"  # noqa: S608
    found, size = [], 0
    for row in at.execute(told, (only, only, most)):
        size += row[6] + ENVELOPE
        if found and size > BATCH_BYTES:
            break
        found.append(row)
    at.executemany("UPDATE event SET sent = 1 WHERE n = ? AND sent = 0", [(row[0],) for row in found])
    return found
