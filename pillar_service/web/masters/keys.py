"""Keys of nodes, which masters accept, and where nodes find masters."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.nodes import node_keys
from pillar_service.usecases.service import masters
from pillar_service.web import incoming, waiting

blueprint = Blueprint("keys", __name__)


@blueprint.get("/nodes/keys")
def changed() -> dict[str, Any]:
    """List the keys that changed after a serial, or without one all known keys. Waits for a change."""
    after = incoming.after() or 0
    if incoming.wait():
        waiting.until(lambda: node_keys.has_news(after), incoming.wait())
    return node_keys.after(after)


@blueprint.post("/masters/place")
def tell() -> dict[str, Any]:
    """Record where nodes find this master, and its public key."""
    given = incoming.body("address", "publish_port", "return_port", "public_key")
    told = (given.get(key) for key in ("address", "publish_port", "return_port", "public_key"))
    masters.tell(g.master, *told)
    return {}


@blueprint.post("/nodes/<id>/revoke")
def revoke(id: str) -> dict[str, Any]:
    """Cut a node off: its key is revoked."""
    return {"node": node_keys.revoke(g.actor, id)}


@blueprint.delete("/nodes/<id>")
def forget(id: str) -> dict[str, Any]:
    """Forget a node that is cut off."""
    return {"node": node_keys.forget(g.actor, id)}


@blueprint.post("/nodes/<id>/rotate")
def rotate(id: str) -> dict[str, Any]:
    """Tell a node to make itself a new key."""
    return {"job": node_keys.rotate(g.actor, id)}
