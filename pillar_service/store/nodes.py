"""Nodes: the machines that bots run on."""

from peewee import DoubleField, IntegerField, TextField

from pillar_service.core.placement import Room
from pillar_service.store import bots
from pillar_service.store.database import JsonField, Table


class Node(Table):
    """A minion. ``facts`` and ``capacities`` are what it last told of itself; ``labels`` are set here alone."""

    id = TextField(primary_key=True)
    concurrency = IntegerField()
    port_first = IntegerField()
    port_last = IntegerField()
    last_seen = DoubleField(null=True)
    facts = JsonField(default=dict)
    labels = JsonField(default=dict)
    capacities = JsonField(default=dict)


def find(id: str) -> Node | None:
    """The node with that id."""
    return Node.get_or_none(Node.id == id)


def listed() -> list[Node]:
    """All nodes by id."""
    return list(Node.select().order_by(Node.id))


def add(id: str, concurrency: int, port_first: int, port_last: int) -> Node:
    """Add a node."""
    return Node.create(id=id, concurrency=concurrency, port_first=port_first, port_last=port_last)


def change(id: str, **columns: object) -> None:
    """Change a node's columns."""
    Node.update(**columns).where(Node.id == id).execute()


def rooms(only: str | None = None) -> list[Room]:
    """The nodes as placement sees them: all, or one."""
    taken: dict[str, set[int]] = {}
    for node, port in bots.ports():
        taken.setdefault(node, set()).add(port)
    nodes = Node.select() if only is None else Node.select().where(Node.id == only)
    return [Room(node.id, node.port_first, node.port_last, frozenset(taken.get(node.id, ()))) for node in nodes]
