"""Nodes."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases import nodes
from pillar_service.web import incoming

blueprint = Blueprint("nodes", __name__)


@blueprint.post("/nodes")
def add() -> tuple[dict[str, Any], int]:
    """Add a node, or change the one that is there."""
    given = incoming.body("id", "port_first", "port_last", "concurrency")
    node, is_new = nodes.add(g.actor, given.pop("id", None), **given)
    return {"node": node}, 201 if is_new else 200


@blueprint.get("/nodes")
def listed() -> dict[str, Any]:
    """All nodes."""
    return {"nodes": nodes.listed()}


@blueprint.patch("/nodes/<id>")
def label(id: str) -> dict[str, Any]:
    """Give a node other labels."""
    return {"node": nodes.label(g.actor, id, incoming.body("labels").get("labels"))}
