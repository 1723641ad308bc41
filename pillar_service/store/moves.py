"""Moves of bots between nodes."""

from peewee import DoubleField, TextField

from pillar_service.store import plain
from pillar_service.store.database import Table
from pillar_service.store.reading import read


class Move(Table):
    """One bot's move from ``source`` to ``target``; ``job`` is the one by which it goes on, ``error`` what went wrong."""

    id = TextField(primary_key=True)
    bot = TextField()
    source = TextField()
    target = TextField()
    state = TextField()
    job = TextField()
    error = TextField(default="")
    actor = TextField()
    started_at = DoubleField()
    changed_at = DoubleField()


OPEN = "state NOT IN ('done', 'back')"


def add(**columns: object) -> None:
    """Add a move."""
    plain.add(Move, columns)


def change(id: str, **columns: object) -> None:
    """Change a move's columns."""
    plain.change(Move, columns, "id = ?", id)


def open_of(bot: str) -> Move | None:
    """The move that a bot is on."""
    return plain.first(Move, f"WHERE bot = ? AND {OPEN}", bot)


def open_everywhere() -> list[Move]:
    """All that are under way, the oldest first."""
    return plain.found(Move, f"WHERE {OPEN} ORDER BY started_at")


def states() -> dict[str, str]:
    """How far each bot is that moves, by its id."""
    return dict(read(f"SELECT bot, state FROM move WHERE {OPEN}"))  # noqa: S608


def behind(node: str) -> list[Move]:
    """The moves of bots that have gone from a node, where something may be left of them."""
    return plain.found(Move, "WHERE source = ? AND state IN ('arriving', 'clearing')", node)


def from_node(node: str, since: float) -> list[Move]:
    """The moves away from a node that are under way, or began since then, the newest first."""
    return plain.found(Move, f"WHERE source = ? AND (started_at >= ? OR {OPEN}) ORDER BY started_at DESC", node, since)
