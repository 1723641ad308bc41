"""Nodes."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.nodes import draining, losing, node_terms, nodes
from pillar_service.web import incoming

blueprint = Blueprint("nodes", __name__)


@blueprint.post("/nodes")
def add() -> tuple[dict[str, Any], int]:
    """Add a node, or change one that exists."""
    given = incoming.body("id", "port_first", "port_last", "concurrency")
    node, is_new = nodes.add(g.actor, given.pop("id", None), **given)
    return {"node": node}, 201 if is_new else 200


@blueprint.get("/nodes")
def listed() -> dict[str, Any]:
    """List all nodes."""
    return {"nodes": nodes.listed()}


@blueprint.patch("/nodes/<id>")
def label(id: str) -> dict[str, Any]:
    """Replace a node's labels."""
    return {"node": nodes.label(g.actor, id, incoming.body("labels").get("labels"))}


@blueprint.put("/nodes/<id>/sharing")
def share(id: str) -> dict[str, Any]:
    """Set whose bots a node takes."""
    given = incoming.body("sharing", "emails")
    return {"node": node_terms.share(g.actor, id, given.get("sharing"), given.get("emails", []))}


@blueprint.put("/nodes/<id>/limit")
def limit(id: str) -> dict[str, Any]:
    """Set how many bots a node has at most."""
    return {"node": node_terms.limit(g.actor, id, incoming.body("bots_most").get("bots_most"))}


@blueprint.get("/nodes/<id>/draining")
def show_draining(id: str) -> dict[str, Any]:
    """Show the progress of draining a node."""
    return {"draining": draining.show(id)}


@blueprint.put("/nodes/<id>/draining")
def drain(id: str) -> dict[str, Any]:
    """Drain a node: move its bots to other nodes."""
    return {"draining": draining.drain(g.actor, id)}


@blueprint.delete("/nodes/<id>/draining")
def undrain(id: str) -> dict[str, Any]:
    """Let a node take new bots again."""
    return {"draining": draining.undrain(g.actor, id)}


@blueprint.put("/nodes/<id>/lost")
def lose(id: str) -> dict[str, Any]:
    """Declare a node lost."""
    return {"node": losing.declare(g.actor, id, incoming.body("anyway").get("anyway") is True)}
