"""How many bytes each node's events take. The service's own events on a node (epoch 0) don't count."""

from peewee import BigIntegerField, TextField

from pillar_service.store.database import Table
from pillar_service.store.sql import read, write

AROUND = 500
"""The bytes that an event counts for besides its data: its other columns, and its share of the indexes."""

SIZE = f"LENGTH(data) + {AROUND}"
"""The bytes that an event takes, in SQL."""


class Held(Table):
    """The bytes that a node's events take."""

    node = TextField(primary_key=True)
    size = BigIntegerField()

    class Meta:
        table_name = "event_held"


def of(node: str) -> int:
    """How many bytes a node's events take."""
    found = read("SELECT size FROM event_held WHERE node = ?", node)
    return int(found[0][0]) if found else 0


def above(most: int) -> list[str]:
    """The nodes whose events take more than ``most`` bytes."""
    return [node for (node,) in read("SELECT node FROM event_held WHERE size > ?", most)]


def add(node: str, size: int) -> int:
    """Count so many bytes more for a node; return the new total. Cheap, as each batch of events does it."""
    told = read(
        """INSERT INTO event_held (node, size) VALUES (?, ?)
        ON CONFLICT (node) DO UPDATE SET size = event_held.size + excluded.size RETURNING size""",
        *(node, size),
    )
    return int(told[0][0])


def count(sign: int, which: str, *values: object) -> None:
    """Add (``sign`` 1) or subtract (-1) the bytes of existing events; ``which`` is an SQL condition with these values."""
    write(
        f"""UPDATE event_held SET size = event_held.size + ? * these.size FROM (
        SELECT node, SUM({SIZE}) AS size FROM event WHERE epoch > 0 AND {which} GROUP BY node
        ) AS these WHERE these.node = event_held.node""",  # noqa: S608
        *(sign, *values),
    )
