"""Keys of nodes: which ones masters accept; cut a node off, give it a new key, forget it."""

import base64
import binascii
import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Forbidden, Unauthenticated
from pillar_service.core.nodes import enrolment as rules
from pillar_service.core.nodes.enrolment import KeyAct, KeyState
from pillar_service.core.people.permissions import NodeAct
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.nodes import facts, node_shares, pillars, standings
from pillar_service.store.nodes import nodes as rows
from pillar_service.store.nodes.nodes import Node
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.nodes import nodes, pem
from pillar_service.usecases.service import auditing

ROTATE = "nodes.rotate"
"""The command of the job that tells a node to make itself a new key."""


def after(serial: int) -> dict[str, Any]:
    """{"serial", "keys"}: the current serial, and each key that changed after ``serial`` (0: every key that we know)."""
    changed = rows.keys_after(serial)
    keys = [
        {"node": node.id, "public_key": node.public_key, "state": node.key_state}
        for node in changed
        if node.key_state != KeyState.NONE and node.public_key
    ]
    return {"serial": changed[-1].key_serial if changed else serial, "keys": keys}


def has_news(serial: int) -> bool:
    """Whether a key changed after ``serial``."""
    return rows.key_serial() > serial


def revoke(actor: str, id: object) -> dict[str, Any]:
    """Cut a node off: from now on masters and the nodes' door refuse its key; returns it. Raises NotFound, Conflict."""
    now = time.time()
    with transaction():
        node = nodes.found(id)
        if node.key_state == KeyState.NONE:
            raise Conflict(f"No key of {node.id} is known here: use salt-key on its master.")
        if node.key_state != KeyState.REVOKED:
            nodes.keep_key(actor, "nodes.revoke", node.id, node.public_key, KeyState.REVOKED, now)
        return nodes.described(nodes.found(node.id))


def rotate(actor: str, id: object) -> dict[str, Any]:
    """Tell a node to make itself a new key; returns the job that does so. Raises NotFound, Conflict."""
    with transaction():
        node = nodes.found(id)
        if node.key_state != KeyState.ACCEPTED or node.enrolled_by is None:
            raise Conflict(
                f"{node.id} was not enrolled, or is cut off: only an enrolled node can make itself a new key."
            )
        return queue.described(queue.call(actor, ROTATE, node.id, "enrolment.rotate", [], {}, time.time()))


def forget(actor: str, id: object) -> dict[str, Any]:
    """Forget a node that is cut off and has no bots, so that no list shows it; returns what it was.

    A token may let its machine in again, with another key. Raises NotFound, Conflict.
    """
    with transaction():
        node, now = nodes.found(id), time.time()
        if node.key_state != KeyState.REVOKED:
            raise Conflict(f"{node.id} is not cut off: revoke its key first, or declare it lost.")
        if held := bots.held(node.id):
            raise Conflict(
                f"There are bots on {node.id} ({held}, counting deleted ones that can be brought back): restore them "
                "on another node, or purge them first."
            )
        was = nodes.described(node)
        rows.forget(node, now)
        node_shares.put(node.id, ())
        for kept in (standings.forget, facts.forget_node, pillars.forget):
            kept(node.id)
        auditing.record(actor, "nodes.forget", f"node:{node.id}", now, f"of {node.account}" if node.account else "")
        return was


def forget_of(person: str, id: object) -> dict[str, Any]:
    """Forget a node, as a person who may; raises NotFound for a node that they may not see."""
    return forget(f"account:{person}", nodes.allowed(person, NodeAct.REVOKE, id).id)


def listed_of(person: str) -> list[dict[str, Any]]:
    """A person's own nodes."""
    return [nodes.described(node) for node in rows.of(person)]


def of(person: str, id: object) -> dict[str, Any]:
    """A node that a person may cut off; raises NotFound for one that they may not see."""
    return nodes.described(nodes.allowed(person, NodeAct.REVOKE, id))


def revoke_of(person: str, id: object) -> dict[str, Any]:
    """Cut a node off, as a person who may; raises NotFound for a node that they may not see."""
    return revoke(f"account:{person}", nodes.allowed(person, NodeAct.REVOKE, id).id)


def rotate_of(person: str, id: object) -> dict[str, Any]:
    """Have a node make itself a new key, as a person who may; raises NotFound for a node that they may not see."""
    return rotate(f"account:{person}", nodes.allowed(person, NodeAct.ROTATE, id).id)


def turn(id: object, new_key: object, signature: object, proof: object) -> dict[str, Any]:
    """Replace a node's key by a new one, at the node's own request.

    ``signature`` is made with the key it had, ``proof`` with the new one. Repeating the request once the new key is in
    place changes nothing, as the first answer may have been lost. Raises Invalid for a bad key, Unauthenticated,
    Forbidden for a revoked key.
    """
    key, now = pem.public_key(new_key), time.time()
    with transaction():
        node = _speaking(id)
        _check(key, rules.statement(KeyAct.TURN, node.id, key), proof)
        if key != node.public_key:
            _check(str(node.public_key), rules.statement(KeyAct.TURN, node.id, str(node.public_key), key), signature)
            nodes.keep_key(f"node:{node.id}", ROTATE, node.id, key, KeyState.ACCEPTED, now)
    return {"node": id, "fingerprint": rules.fingerprint(key)}


def leave(id: object, signature: object) -> dict[str, Any]:
    """Revoke a node's key at its own request, signed with that key, as it leaves; raises Unauthenticated, Forbidden."""
    with transaction():
        node = _speaking(id)
        _check(str(node.public_key), rules.statement(KeyAct.LEAVE, node.id, str(node.public_key)), signature)
        nodes.keep_key(f"node:{node.id}", "nodes.leave", node.id, node.public_key, KeyState.REVOKED, time.time())
    return {"node": id}


def _speaking(id: object) -> Node:
    node = rows.find(id) if isinstance(id, str) and id.isprintable() else None
    if node is None or not node.public_key:
        raise Unauthenticated(f"No key of {names.shown(id)} is known here: enrol it.")
    if node.key_state != KeyState.ACCEPTED:
        raise Forbidden(f"The key of {node.id} was revoked: enrol it again.")
    return node


def _check(key: str, statement: bytes, signature: object) -> None:
    try:
        given = base64.b64decode(signature if isinstance(signature, str) else "", validate=True)
    except (binascii.Error, ValueError):
        given = b""
    if not pem.signed(key, statement, given):
        raise Unauthenticated("This was not signed with the node's key.")
