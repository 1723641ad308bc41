"""Losing a node: somebody declares that it won't come back as it is. Its key is revoked, and its bots may be restored."""

import time
from typing import Any

from pillar_service.core.errors import Conflict
from pillar_service.core.nodes import losing as rules
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.core.people.permissions import NodeAct
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.nodes import nodes as rows
from pillar_service.store.nodes import standings
from pillar_service.store.nodes.nodes import Node
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.service import auditing
from pillar_service.usecases.service.auditing import Deed


def declare(actor: str, id: object, anyway: bool = False) -> dict[str, Any]:
    """Declare a node lost: its key is revoked, its bots are shown as lost and can be restored; returns the node.

    ``anyway`` declares it lost even if it was heard from just now. Repeating it changes nothing. Raises NotFound,
    Conflict.
    """
    with transaction():
        node, now = nodes.found(id), time.time()
        if node.lost_at is None:
            if node.key_state == KeyState.NONE:
                raise Conflict(
                    f"No key of {node.id} is known here, so it can't be kept from coming back: add its key first "
                    f"(python -m pillar_service.web node-key {node.id} FILE)."
                )
            if anyway is not True:
                rules.refuse_if_heard(node.id, heard_at(node), now)
            lose(actor, node, now)
        return nodes.described(nodes.found(node.id))


def heard_at(node: Node) -> float | None:
    """When anything was last received from the node."""
    standing = standings.find(node.id)
    told = (node.last_seen, None if standing is None else standing.heard_at)
    return max((at for at in told if at is not None), default=None)


def lose(actor: str, node: Node, now: float) -> None:
    """Mark a node as lost, with the bots on it, in the caller's transaction: its containers must never run again."""
    if node.key_state != KeyState.REVOKED:
        nodes.keep_key(actor, "nodes.revoke", node.id, node.public_key, KeyState.REVOKED, now, "as it is lost")
    rows.change(node.id, lost_at=now)
    there = [bot for bot in bots.listed(node=node.id) if bot.desired != Desired.ABSENT]
    for bot in there:
        bots.change(bot.id, actual=str(Actual.LOST), detail=rules.SHOWN.format(node.id))
    auditing.record_all([Deed(actor, "bots.lost", f"agent:{bot.id}", f"with {node.id}") for bot in there], now)
    auditing.record(actor, "nodes.lost", f"node:{node.id}", now, f"with {len(there)} bots")


def declare_of(person: str, id: object, anyway: bool = False) -> dict[str, Any]:
    """Declare a node lost, as a person who may; raises NotFound for a node that they may not see."""
    return declare(f"account:{person}", nodes.allowed(person, NodeAct.REVOKE, id).id, anyway)


def show(id: object) -> dict[str, Any]:
    """{"node", "heard_at", "seems_to_live"}: what to know before declaring a node lost."""
    node = nodes.found(id)
    heard = heard_at(node)
    lives = heard is not None and time.time() - heard < rules.HEARD_WITHIN_S
    return {"node": nodes.described(node), "heard_at": heard, "seems_to_live": lives}


def show_of(person: str, id: object) -> dict[str, Any]:
    """The same, for a person who may."""
    return show(nodes.allowed(person, NodeAct.REVOKE, id).id)
