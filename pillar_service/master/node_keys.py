"""Nodes and their keys, as runners show them, and waiting for a new key."""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Failed, NotFound
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.master.client import Client
from pillar_service.master.runners import seconds

EVERY_S = 0.5


def find(service: Client, node: str) -> dict[str, Any] | None:
    """The node with this id, or None."""
    return next((known for known in service.nodes() if known["id"] == node), None)


def found(service: Client, node: str) -> dict[str, Any]:
    """The node with this id; raises NotFound."""
    known = find(service, node)
    if known is None:
        raise NotFound(f"There is no node {names.shown(node)}.")
    return known


def keys(service: Client) -> dict[str, dict[str, Any]]:
    """The key of each node that has one, with its state, the node's account and when it was last seen, by node."""
    known = [node for node in service.nodes() if node["key"]["state"] != KeyState.NONE]
    return {one["id"]: {"account": one["account"], "last_seen": one["last_seen"], **one["key"]} for one in known}


def turned(service: Client, node: str, wait: object) -> dict[str, Any]:
    """Makes a node rotate its key, and returns the new one; raises Failed if it has none after ``wait`` seconds."""
    ends = time.monotonic() + seconds(wait)
    before = found(service, node)["key"]
    job = service.rotate(node)
    while time.monotonic() < ends:
        now: dict[str, Any] = found(service, node)["key"]
        if now["fingerprint"] != before["fingerprint"]:
            return now
        time.sleep(EVERY_S)
    raise Failed(f"{node} still has its old key after {wait} s: see the job {job['id']} (salt-run nodes.show {node}).")
