"""Facts of nodes, and the history of their changes."""

import json
from collections.abc import Sequence
from typing import Any

from peewee import BigIntegerField, CompositeKey, DoubleField, TextField

from pillar_service.store import plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.nodes.nodes import Node
from pillar_service.store.sql import places, read


class NodeFacts(Table):
    """A node's last facts, from the event with that epoch and sequence; ``changes`` counts how often they changed."""

    node = TextField(primary_key=True)
    epoch = BigIntegerField()
    sequence = BigIntegerField()
    facts = JsonField()
    hash = TextField()
    changes = BigIntegerField()
    changed_at = DoubleField()
    told_at = DoubleField()


class FactChange(Table):
    """One change of a node's facts; ``n`` counts the node's changes from 1."""

    node = TextField()
    n = BigIntegerField()
    at = DoubleField()
    changes = JsonField()

    class Meta:
        primary_key = CompositeKey("node", "n")


def find(node: str) -> NodeFacts | None:
    """A node's last facts."""
    return plain.first(NodeFacts, "WHERE node = ?", node)


def of(nodes: Sequence[str]) -> dict[str, NodeFacts]:
    """The last facts of these nodes, by node."""
    return {row.node: row for row in plain.found(NodeFacts, f"WHERE node IN ({places(len(nodes))})", *nodes)}


def with_nodes(own_only: bool) -> list[tuple[str, str | None, dict[str, str], dict[str, Any]]]:
    """Id, account, labels and facts of each node that has facts, or only of the place's own, by id."""
    where = "WHERE node.account IS NULL" if own_only else ""
    told = f"SELECT id, account, labels, facts.facts FROM node JOIN node_facts facts ON facts.node = node.id {where}"  # noqa: S608
    return [
        (id, account, json.loads(labels), json.loads(facts))
        for id, account, labels, facts in read(f"{told} ORDER BY id")
    ]


def put(before: NodeFacts | None, node: str, columns: dict[str, Any]) -> None:
    """Write a node's facts; ``before`` is the row that it has, if any."""
    if before is None:
        plain.add(NodeFacts, {"node": node, **columns})
    else:
        plain.change(NodeFacts, columns, "node = ?", node)


def begin_anew(node: str) -> None:
    """Let the node's next facts count as newer, whatever their epoch and sequence: with another disk it may start lower."""
    plain.change(NodeFacts, {"epoch": 0, "sequence": 0}, "node = ?", node)


def add_change(node: str, n: int, at: float, changes: list[dict[str, str | None]]) -> None:
    """Add a node's n-th change."""
    plain.add(FactChange, {"node": node, "n": n, "at": at, "changes": changes})


def prune(node: str, until: int) -> None:
    """Delete a node's changes up to the n-th."""
    FactChange.delete().where((FactChange.node == node) & (FactChange.n <= until)).execute()


def changes(node: str, before: int | None, limit: int) -> list[FactChange]:
    """A node's changes, newest first, from before the n-th (``before``), if given."""
    told = "WHERE node = ? AND n < ? ORDER BY n DESC LIMIT ?"
    return plain.found(FactChange, told, node, 2**62 if before is None else before, limit)


def forget(before: float, limit: int) -> int:
    """Delete the ``limit`` oldest changes from before ``before`` (Unix seconds); return how many were deleted."""
    old = read("SELECT node, n FROM fact_change WHERE at < ? ORDER BY at LIMIT ?", before, limit)
    for node, n in old:
        FactChange.delete().where((FactChange.node == node) & (FactChange.n == n)).execute()
    return len(old)


def forget_account(account: str) -> None:
    """Delete the facts of an account's nodes, and their history."""
    theirs = Node.select(Node.id).where(Node.account == account)
    for table in (NodeFacts, FactChange):
        table.delete().where(table.node.in_(theirs)).execute()


def forget_node(node: str) -> None:
    """Delete a node's facts, and their history."""
    for table in (NodeFacts, FactChange):
        table.delete().where(table.node == node).execute()
