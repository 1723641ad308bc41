"""Marks of deleted events: the highest deleted sequence of each node, epoch and stream.

A spool delivers each stream in order, so an event at or below the mark was here before, however long ago.
"""

from collections.abc import Iterable, Sequence

from peewee import BigIntegerField, CompositeKey, DoubleField, TextField

from pillar_service.store.database import Table, on_sqlite
from pillar_service.store.sql import places, read, write

MOST = 1000
"""How many marks are kept of a node, as whoever submits events names the streams. The least recently moved go first."""


class Forgotten(Table):
    """Up to which sequence a stream of an epoch was deleted, and when that was noted."""

    node = TextField()
    epoch = BigIntegerField()
    stream = TextField()
    sequence = BigIntegerField()
    noted_at = DoubleField()

    class Meta:
        table_name = "event_forgotten"
        primary_key = CompositeKey("node", "epoch", "stream")


def marks(node: str, epochs: Iterable[int]) -> dict[tuple[int, str], int]:
    """The highest deleted sequence, by epoch and stream."""
    of = sorted(set(epochs))
    told = f"SELECT epoch, stream, sequence FROM event_forgotten WHERE node = ? AND epoch IN ({places(len(of))})"  # noqa: S608
    return {(epoch, stream): sequence for epoch, stream, sequence in read(told, node, *of)}


def note(old: Sequence[int], now: float) -> None:
    """Move the marks for the events with these numbers, just before they are deleted."""
    these, most = places(len(old)), "max" if on_sqlite() else "greatest"
    write(
        f"""INSERT INTO event_forgotten (node, epoch, stream, sequence, noted_at)
        SELECT node, epoch, stream, max(sequence), ? FROM event WHERE n IN ({these}) AND epoch > 0
        GROUP BY node, epoch, stream ON CONFLICT (node, epoch, stream) DO UPDATE SET
        sequence = {most}(event_forgotten.sequence, excluded.sequence), noted_at = excluded.noted_at""",  # noqa: S608
        *(now, *old),
    )
    write(
        f"""DELETE FROM event_forgotten WHERE (node, epoch, stream) IN (SELECT node, epoch, stream FROM (
        SELECT node, epoch, stream, row_number() OVER (PARTITION BY node ORDER BY noted_at DESC, sequence DESC) AS place
        FROM event_forgotten WHERE node IN (SELECT node FROM event WHERE n IN ({these}))) AS ranked WHERE place > ?)""",  # noqa: S608
        *(*old, MOST),
    )


def forget_nodes_of(events: Sequence[int]) -> None:
    """Forget the marks of the nodes of the events with these numbers, before those are deleted."""
    told = f"SELECT node FROM event WHERE n IN ({places(len(events))})"  # noqa: S608
    write(f"DELETE FROM event_forgotten WHERE node IN ({told})", *events)  # noqa: S608
