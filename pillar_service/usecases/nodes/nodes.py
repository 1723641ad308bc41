"""Nodes: find one, add one, label one, list them."""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid, NotFound, Unauthenticated
from pillar_service.core.nodes import enrolment
from pillar_service.core.nodes import labels as rules
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.people import tokens
from pillar_service.core.people.permissions import NodeAct
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.nodes import nodes
from pillar_service.store.nodes.nodes import Node
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.nodes import pem, pillars, returning
from pillar_service.usecases.people import permissions
from pillar_service.usecases.service import auditing

CONCURRENCY = 4
"""How many runs a node has at a time by default."""


LABELS = "nodes.labels"
"""The command of the job that tells a node its labels."""


def add(
    actor: str, id: object, port_first: object = None, port_last: object = None, concurrency: object = None
) -> tuple[dict[str, Any], bool]:
    """Add a node, or change an existing one; returns it, and whether it is new. What is None stays as it is.

    ``port_first`` to ``port_last`` are its bots' ports, both included; ``concurrency`` is how many runs it has at a
    time.
    """
    name, now = names.node_id(id), time.time()
    with transaction():
        there, ever = nodes.find(name), nodes.ever(name)
        columns = _columns(there, port_first, port_last, concurrency)
        if ever is None:
            nodes.add(name, account=None, **columns)
        else:
            nodes.change(name, forgotten_at=None, **columns)
        pillars.rewrite(name)
        if there is None or any(getattr(there, key) != value for key, value in columns.items()):
            auditing.record(actor, "nodes.add", f"node:{name}", now, f"{columns}")
        return described(found(name)), there is None


def label(actor: str, id: object, given: object) -> dict[str, Any]:
    """Replace a node's labels; returns the node. They decide what runs there, so only we set them.

    Raises NotFound, and Invalid for labels that are malformed or include `node`, which stands for every node's id.
    """
    labels, now = checked_labels(given), time.time()
    with transaction():
        node = found(id)
        nodes.change(node.id, labels=labels)
        pillars.rewrite(node.id)
        if labels != node.labels:
            tell_labels(actor, node.id, now)
        written = ", ".join(f"{key}={value}" for key, value in labels.items())
        auditing.record(actor, "nodes.label", f"node:{node.id}", now, written or "none")
        return described(found(node.id))


def checked_labels(given: object) -> dict[str, str]:
    """Return the labels in a mapping, if a node may have them; raises Invalid."""
    labels = rules.checked(given)
    if rules.NODE in labels:
        raise Invalid(f"The label {rules.NODE} is a node's id, which every node has already: leave it out.")
    return labels


def add_for(id: str, account: str | None) -> None:
    """Add a node of an account with the default settings, in the caller's transaction."""
    nodes.add(id, CONCURRENCY, *settings().bot_ports, account=account)


def tell_labels(actor: str, node: str, now: float) -> None:
    """Have the node turn its labels into grains, so that `salt -G 'labels:environment:prd'` finds it."""
    queue.call(actor, LABELS, node, "state.apply", ["meeseeks"], {"queue": 10}, now)


def _columns(there: Node | None, first: object, last: object, concurrency: object) -> dict[str, int]:
    default = settings().bot_ports
    before = (there.port_first, there.port_last, there.concurrency) if there else (*default, CONCURRENCY)
    given = [was if value is None else value for was, value in zip(before, (first, last, concurrency), strict=True)]
    low = names.whole_number(given[0], "first port", 1, 65535)
    high = names.whole_number(given[1], "last port", 1, 65535)
    if low > high:
        raise Invalid(f"The first port ({low}) must not be above the last ({high}).")
    return {"port_first": low, "port_last": high, "concurrency": names.whole_number(given[2], "concurrency", 1, 100)}


def found(id: object, account: str | None = None) -> Node:
    """Return the node with that id, which must belong to ``account`` unless that is None; raises NotFound."""
    node = nodes.find(id) if isinstance(id, str) and id.isprintable() else None
    if node is None or (account is not None and node.account != account):
        raise NotFound(_unknown(id))
    return node


def allowed(person: str, act: NodeAct, id: object) -> Node:
    """Return the node, if that person may do this with it; raises NotFound if they may not see it, Forbidden."""
    node = found(id)
    permissions.require_nodes(person, act, node.account, _unknown(id))
    return node


def _unknown(id: object) -> str:
    return f"There is no node {names.shown(id)}."


def listed() -> list[dict[str, Any]]:
    """All nodes."""
    return [described(node) for node in nodes.listed()]


def described(node: Node) -> dict[str, Any]:
    """A node as the API shows it."""
    return {
        "id": node.id,
        "port_first": node.port_first,
        "port_last": node.port_last,
        "concurrency": node.concurrency,
        "last_seen": node.last_seen,
        "facts": node.facts,
        "labels": node.labels,
        "capacities": node.capacities,
        "account": node.account,
        "sharing": node.sharing,
        "bots_most": node.bots_most,
        "has": {"cpus": node.cpus, "memory_mb": node.memory_mb, "disk_mb": node.disk_mb},
        "draining_at": node.draining_at,
        "lost_at": node.lost_at,
        "key": {
            "state": node.key_state,
            "fingerprint": enrolment.fingerprint(node.public_key) if node.public_key else None,
            "at": node.key_at,
        },
    }


def set_key(actor: str, id: object, public_key: object) -> dict[str, Any]:
    """Set a node's key (PEM), for a node whose key a master got by other means; returns the node.

    Raises NotFound, and Invalid for anything but an RSA key.
    """
    key, now = pem.public_key(public_key), time.time()
    with transaction():
        node = found(id)
        if (node.public_key, node.key_state) != (key, KeyState.ACCEPTED):
            keep_key(actor, "nodes.set_key", node.id, key, KeyState.ACCEPTED, now)
        return described(found(node.id))


def keep_key(actor: str, action: str, id: str, key: str | None, state: KeyState, now: float, detail: str = "") -> None:
    """Save a node's key and its state, in the caller's transaction; masters learn of it, and the node's token changes."""
    nodes.set_key(id, key, state, now)
    if state is KeyState.ACCEPTED:
        returning.came_back(actor, id, now)
    pillars.rewrite(id)
    finger = enrolment.fingerprint(key) if key else "no key"
    auditing.record(actor, action, f"node:{id}", now, f"{finger} {detail}".strip())


def authenticated(token: str) -> str:
    """Return the id of the node that this token belongs to.

    Raises Unauthenticated if there is no such node, its key was revoked, or the token was made for another key.
    """
    node = nodes.find(named) if (named := tokens.named_by(token)) and named.isprintable() else None
    if node is None:
        tokens.verify_node_token(settings().secret_key, token)
        raise Unauthenticated(f"There is no node {names.shown(named)}: add it first.")
    tokens.verify_node_token(settings().secret_key, token, node.key_serial)
    if node.key_state == KeyState.REVOKED:
        raise Unauthenticated(f"The key of {node.id} was revoked: enrol it again.")
    return node.id
