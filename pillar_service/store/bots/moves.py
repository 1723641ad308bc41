"""Moves of bots between nodes."""

from peewee import DoubleField, TextField

from pillar_service.store import plain
from pillar_service.store.database import Table
from pillar_service.store.sql import read


class Move(Table):
    """One bot's move from node ``source`` to ``target``; ``job`` carries out its current step, ``error`` is what went wrong."""

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


BEHIND = "state IN ('arriving', 'clearing', 'left')"
OPEN = "state NOT IN ('done', 'back', 'left')"


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
    """All moves that are under way, oldest first."""
    return plain.found(Move, f"WHERE {OPEN} ORDER BY started_at")


def states() -> dict[str, str]:
    """The state of each move that is under way, by the bot's id."""
    return dict(read(f"SELECT bot, state FROM move WHERE {OPEN}"))  # noqa: S608


def behind(node: str) -> list[Move]:
    """The moves of bots that have left a node on which something of them may remain."""
    return plain.found(Move, f"WHERE source = ? AND {BEHIND}", node)


def left_by(bot: str) -> set[str]:
    """The nodes that a bot has left and on which something of it may remain."""
    return {node for (node,) in read(f"SELECT source FROM move WHERE bot = ? AND {BEHIND}", bot)}  # noqa: S608


def to_clear() -> list[Move]:
    """The moves from lost nodes that are back, of bots that have arrived elsewhere, oldest first."""
    there = "source IN (SELECT id FROM node WHERE lost_at IS NULL AND key_state <> 'revoked')"
    arrived = f"bot NOT IN (SELECT bot FROM move WHERE {OPEN})"  # noqa: S608
    return plain.found(Move, f"WHERE state = 'left' AND {there} AND {arrived} ORDER BY started_at")


def from_node(node: str, since: float) -> list[Move]:
    """The moves away from a node that are under way or began since then, newest first."""
    return plain.found(Move, f"WHERE source = ? AND (started_at >= ? OR {OPEN}) ORDER BY started_at DESC", node, since)
