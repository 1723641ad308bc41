"""Losses, noted in the transaction that drops the events and reported as events; and events that the service refused."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from pillar_service.core.events.gaps import OTHERS, Gap, Reason
from pillar_service.core.events.submission import MOST_NUMBER, Priority

MOST_GAPS = 500
"""How many losses are kept apart; those of further streams are added up under one name, ``OTHERS``."""
MOST_DEAD, MOST_DEAD_BYTES = 1000, 8 << 20


def note(at: sqlite3.Connection, epoch: int, stream: str, priority: int, reason: Reason, sequence: int) -> None:
    """Note that an event of a stream was lost; the sequence 0 means that it is unknown which and how many were lost."""
    key = (epoch, stream, priority, str(reason))
    there = at.execute("SELECT 1 FROM gap WHERE (epoch, stream, priority, reason) = (?, ?, ?, ?)", key).fetchone()
    if not there and at.execute("SELECT count(*) FROM gap").fetchone()[0] >= MOST_GAPS:
        key = (epoch, OTHERS, priority, str(reason))
    at.execute(_NOTE, (*key, sequence, sequence, min(sequence, 1)))


_NOTE = """INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (epoch, stream, priority, reason)
DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count"""


def taken(at: sqlite3.Connection) -> Iterator[Gap]:
    """Take out the losses noted so far, to report them."""
    rows = at.execute("SELECT epoch, first, last, count, reason, stream, priority FROM gap").fetchall()
    at.execute("DELETE FROM gap")
    for epoch, first, last, count, reason, stream, priority in rows:
        yield Gap(epoch, first, last, count, Reason(reason), stream, Priority(priority))


def bury(at: sqlite3.Connection, n: int, why: str) -> None:
    """Keep apart an event that the service will never take; the oldest such events go if there are too many."""
    told = "SELECT n, stream, priority, type, subject, data, size, at, ? FROM event WHERE n = ?"
    at.execute(f"INSERT OR REPLACE INTO dead {told}", (why[:300], n))
    at.execute(_BOUND, (MOST_DEAD, MOST_DEAD_BYTES))


_BOUND = """DELETE FROM dead WHERE n NOT IN (SELECT n FROM (
SELECT n, row_number() OVER newest AS place, sum(size) OVER newest AS bytes FROM dead WINDOW newest AS (ORDER BY n DESC)
) WHERE place <= ? AND bytes <= ?)"""


def dead(at: sqlite3.Connection) -> list[dict[str, Any]]:
    """The events that the service refused for good, oldest first."""
    rows = at.execute("SELECT n, why, stream, priority, type, subject, data, at FROM dead ORDER BY n").fetchall()
    names = ("n", "why", "stream", "priority", "type", "subject", "data", "at")
    return [_shown(dict(zip(names, row, strict=True))) for row in rows]


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    n = row["n"]
    told = {name: value for name, value in row.items() if name != "n"}
    return {"epoch": n >> 31, "sequence": n & MOST_NUMBER, **told, "data": json.loads(row["data"])}
