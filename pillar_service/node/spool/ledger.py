"""The events that wait in the spool's file; each function works in the caller's transaction.

An event's number ``n`` combines its epoch and its sequence, and only ever grows. ``turn`` orders delivery, lowest first: it is
the event's own priority, or that of a more important event that came later in its stream, so that sorting by turn keeps each
stream in order. An event that was ``sent`` once may have reached the service, even without an answer: it is not dropped for
want of room, because the gap would report a loss that was none. It is dropped when it is too old, with a reason of its own.
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
"""Bytes that an event takes besides its data: in the file, and what it takes on the wire beyond its size in the file."""


@dataclass(frozen=True)
class Bounds:
    """Limits on what waits: total bytes, the bytes of them reserved for vital events, and age in seconds."""

    bytes: int = 64 << 20
    reserved: int = 8 << 20
    age_s: float = 30 * 86_400.0

    def of(self, priority: int) -> int:
        """How many bytes may wait, counting a new event of that priority."""
        return self.bytes if priority == Priority.VITAL else self.bytes - self.reserved


class Place(NamedTuple):
    """An event's place, by which the service identifies it among this node's events."""

    epoch: int
    sequence: int

    @classmethod
    def of(cls, n: int) -> "Place":
        """The place with this number."""
        return cls(n >> SHIFT, n & MOST_NUMBER)

    @property
    def n(self) -> int:
        """The number in the file."""
        return self.epoch << SHIFT | self.sequence


class Draft(NamedTuple):
    """An event before it has a place; ``data`` is JSON."""

    type: str
    subject: str
    data: str
    stream: str
    priority: int

    @property
    def size(self) -> int:
        """The bytes it takes in the file."""
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
    """Make room for an event by dropping others of its priority or lower, lowest and oldest first; whether there is room now.

    Drops nothing if that would not make enough room.
    """
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
    """Drop events that are too old, as far as that is known: from this boot's clock, or from two synchronised clocks."""
    told = f"""SELECT {COLUMNS}, sent FROM event WHERE priority > 0 AND (
    CASE WHEN boot = ? THEN mono < ? ELSE synced AND ? AND at < ? END)"""  # noqa: S608
    before = (now.boot, now.mono - bounds.age_s, now.is_synced, now.at - bounds.age_s)
    old = at.execute(told, before).fetchall()
    let_go(at, [row for row in old if not row[-1]], Reason.AGE)
    let_go(at, [row for row in old if row[-1]], Reason.UNANSWERED)


def let_go(at: sqlite3.Connection, rows: Iterable[tuple[Any, ...]], reason: Reason) -> None:
    """Drop events, and note the losses by stream and reason."""
    for n, stream, priority, *_ in rows:
        epoch, sequence = Place.of(n)
        losses.note(at, epoch, stream, priority, reason, sequence)
        forget(at, n)


def forget(at: sqlite3.Connection, n: int) -> None:
    """Delete an event."""
    freed = at.execute("DELETE FROM event WHERE n = ? RETURNING size", (n,)).fetchall()
    at.executemany("UPDATE life SET bytes = bytes - ?", freed)


def batch(at: sqlite3.Connection, most: int, only: str | None) -> list[tuple[Any, ...]]:
    """The next events to send, in order, and mark them as sent: at most ``most``, of type ``only`` (None: of all types).

    They take no more bytes than one request may, unless a single event does.
    """
    told = f"SELECT {COLUMNS} FROM event WHERE ? IS NULL OR type = ? ORDER BY turn, n LIMIT ?"  # noqa: S608
    found, size = [], 0
    for row in at.execute(told, (only, only, most)):
        size += row[6] + ENVELOPE
        if found and size > BATCH_BYTES:
            break
        found.append(row)
    at.executemany("UPDATE event SET sent = 1 WHERE n = ? AND sent = 0", [(row[0],) for row in found])
    return found
