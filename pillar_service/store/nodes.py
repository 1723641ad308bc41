"""Nodes: the machines that bots run on."""

import json
from collections.abc import Sequence
from functools import lru_cache

from peewee import DoubleField, IntegerField, TextField

from pillar_service.core.placement import Room
from pillar_service.store import bots, plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.reading import places, read


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
    return plain.first(Node, "WHERE id = ?", id)


def listed() -> list[Node]:
    """All nodes by id."""
    return plain.found(Node, "ORDER BY id")


def concurrency(these: Sequence[str]) -> dict[str, int]:
    """How many runs each of these nodes may have at a time, by its id."""
    return dict(read(f"SELECT id, concurrency FROM node WHERE id IN ({places(len(these))})", *these))  # noqa: S608


def labels(only: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """The labels of every node, or of these, by its id. Cheap: they are asked for with each command."""
    where = "" if only is None else f" WHERE id IN ({places(len(only))})"
    return {id: dict(_labels(told)) for id, told in read(f"SELECT id, labels FROM node{where}", *(only or ()))}  # noqa: S608


@lru_cache(maxsize=1024)
def _labels(told: str) -> dict[str, str]:
    return dict(json.loads(told))


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
