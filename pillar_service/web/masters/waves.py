"""Upgrades of nodes in waves."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.nodes import waves
from pillar_service.web import incoming

blueprint = Blueprint("waves", __name__)


@blueprint.post("/upgrades")
def begin() -> tuple[dict[str, Any], int]:
    """Begin an upgrade of nodes to the service's version."""
    given = incoming.body("selector", "waves", "deadline", "version")
    return {"upgrade": waves.begin(g.actor, given.pop("selector", None), given.pop("waves", None), **given)}, 202


@blueprint.get("/upgrades")
def listed() -> dict[str, Any]:
    """List the newest upgrades."""
    return {"upgrades": waves.listed()}


@blueprint.get("/upgrades/<id>")
def show(id: str) -> dict[str, Any]:
    """Show one upgrade with its nodes."""
    return {"upgrade": waves.show(id)}


@blueprint.post("/upgrades/<id>/resume")
def resume(id: str) -> tuple[dict[str, Any], int]:
    """Go on with an upgrade that stopped."""
    return {"upgrade": waves.resume(g.actor, id)}, 202


@blueprint.post("/upgrades/<id>/cancel")
def cancel(id: str) -> dict[str, Any]:
    """Cancel an upgrade."""
    return {"upgrade": waves.cancel(g.actor, id)}
