"""Nodes: the machines that bots run on."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from peewee import BigIntegerField, DoubleField, Expression, IntegerField, TextField, fn

from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.rooms import Sharing
from pillar_service.core.searching import Label
from pillar_service.store import plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.sql import places, read


class Node(Table):
    """A minion. ``facts`` and ``capacities`` are what it last reported of itself; ``labels`` are set only here.

    A node without an ``account`` is the place's own. Masters accept ``public_key`` (PEM) while ``key_state`` is accepted;
    ``key_serial`` grows over all nodes with each change of a key. ``enrolled_by`` is an enrolment token's id. ``sharing``
    says whose bots the node takes, ``bots_most`` how many its owner allows; from ``draining_at`` on it takes none. ``cpus``,
    ``memory_mb`` and ``disk_mb`` come from its facts. ``lost_at`` is when it was declared lost. From ``forgotten_at`` on only
    `ever` finds it: older jobs and bots still name it.
    """

    id = TextField(primary_key=True)
    concurrency = IntegerField()
    port_first = IntegerField()
    port_last = IntegerField()
    last_seen = DoubleField(null=True)
    facts = JsonField(default=dict)
    labels = JsonField(default=dict)
    capacities = JsonField(default=dict)
    account = TextField(null=True)
    public_key = TextField(null=True)
    key_state = TextField(default=str(KeyState.NONE))
    key_serial = BigIntegerField(default=0)
    key_at = DoubleField(null=True)
    key_revoked_at = DoubleField(null=True)
    enrolled_by = TextField(null=True)
    sharing = TextField(default=str(Sharing.ALL))
    bots_most = IntegerField(null=True)
    cpus = IntegerField(null=True)
    memory_mb = IntegerField(null=True)
    disk_mb = IntegerField(null=True)
    draining_at = DoubleField(null=True)
    lost_at = DoubleField(null=True)
    forgotten_at = DoubleField(null=True)


def find(id: str) -> Node | None:
    """The node with that id, unless it was forgotten."""
    return plain.first(Node, "WHERE id = ? AND forgotten_at IS NULL", id)


def ever(id: str) -> Node | None:
    """The node with that id, even if it was forgotten."""
    return plain.first(Node, "WHERE id = ?", id)


def key(id: str) -> tuple[str | None, str] | None:
    """A node's public key (PEM) and its state; None when there is no such node. Cheap, as each signed request reads it."""
    told = read("SELECT public_key, key_state FROM node WHERE id = ?", id)
    return (told[0][0], told[0][1]) if told else None


def account(id: str) -> str | None:
    """The account that owns a node; None for the place's own. Cheap, as each batch of events reads it."""
    told = read("SELECT account FROM node WHERE id = ?", id)
    return told[0][0] if told else None


def listed() -> list[Node]:
    """All nodes, by id."""
    return plain.found(Node, "WHERE forgotten_at IS NULL ORDER BY id")


def concurrency(these: Sequence[str]) -> dict[str, int]:
    """How many runs each of these nodes may have at a time, by id."""
    return dict(read(f"SELECT id, concurrency FROM node WHERE id IN ({places(len(these))})", *these))  # noqa: S608


def capacities(these: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What each of these nodes reported that it can run commands with, by id."""
    told = read(f"SELECT id, capacities FROM node WHERE id IN ({places(len(these))})", *these)  # noqa: S608
    return {id: dict(json.loads(has)) for id, has in told}


def labels(only: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """The labels of the place's own nodes, or only of these of them, by id, without lost nodes.

    Cheap, as each command reads them.
    """
    these = "" if only is None else f" AND id IN ({places(len(only))})"
    told = f"SELECT id, labels FROM node WHERE account IS NULL AND lost_at IS NULL AND forgotten_at IS NULL{these}"  # noqa: S608
    return {id: dict(_labels(labels)) for id, labels in read(told, *(only or ()))}


@lru_cache(maxsize=1024)
def _labels(told: str) -> dict[str, str]:
    return dict(json.loads(told))


def add(id: str, concurrency: int, port_first: int, port_last: int, account: str | None = None) -> Node:
    """Add a node. At first, an account's node takes only that account's bots, and the place's own takes all."""
    columns = {"concurrency": concurrency, "port_first": port_first, "port_last": port_last, "account": account}
    return Node.create(id=id, sharing=_sharing(account), **columns)


def _sharing(account: str | None) -> str:
    return str(Sharing.OWN if account else Sharing.ALL)


def labelled(label: Label) -> Expression:
    """The condition that a node has this label. Labels hold none of the characters that JSON puts around keys and values."""
    key, value = label
    return Node.labels.cast("TEXT").contains(key if value is None else f'"{key}": "{value}')


def of(account: str) -> list[Node]:
    """An account's nodes, by id."""
    return plain.found(Node, "WHERE account = ? AND forgotten_at IS NULL ORDER BY id", account)


def accepted(account: str) -> int:
    """How many nodes of an account have a key that masters accept."""
    told = read("SELECT count(*) FROM node WHERE account = ? AND key_state = ?", account, str(KeyState.ACCEPTED))
    return int(told[0][0])


def own() -> list[Node]:
    """The place's own nodes, by id."""
    return plain.found(Node, "WHERE account IS NULL AND forgotten_at IS NULL ORDER BY id")


def draining() -> list[str]:
    """The ids of the nodes that are being drained."""
    return [id for (id,) in read("SELECT id FROM node WHERE draining_at IS NOT NULL ORDER BY id")]


def keys_after(serial: int) -> list[Node]:
    """The nodes whose key changed after a serial, in the order of the changes."""
    return plain.found(Node, "WHERE key_serial > ? ORDER BY key_serial", serial)


def key_serial() -> int:
    """The serial of the last change of any node's key; 0 when there was none."""
    return int(Node.select(fn.MAX(Node.key_serial)).scalar() or 0)


def set_key(id: str, public_key: str | None, state: KeyState, now: float) -> None:
    """Set a node's key and its state, under the next serial."""
    revoked_at = now if state is KeyState.REVOKED else None
    told = {"key_state": str(state), "key_serial": key_serial() + 1, "key_at": now, "key_revoked_at": revoked_at}
    change(id, public_key=public_key, **told)


def change(id: str, **columns: object) -> None:
    """Change a node's columns."""
    plain.change(Node, columns, "id = ?", id)


def was_ahead(now: float, seconds: float) -> None:
    """Move times at which nodes were seen after now back by so many seconds, by which the service's clock was ahead then."""
    Node.update(last_seen=Node.last_seen - seconds).where(Node.last_seen > now).execute()


def forget(node: Node, now: float) -> None:
    """Forget a node, so that only `ever` finds it. All but its key and being lost is reset to that of a new node."""
    told: dict[str, object] = {
        "sharing": _sharing(node.account),
        "labels": {},
        "facts": {},
        "capacities": {},
        "last_seen": None,
        "draining_at": None,
        "bots_most": None,
    }
    change(node.id, **told, cpus=None, memory_mb=None, disk_mb=None, forgotten_at=now)
