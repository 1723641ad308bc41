"""Bundles, for operators."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.nodes import bundles
from pillar_service.usecases.people import accounts
from pillar_service.web import incoming

blueprint = Blueprint("bundles", __name__)


@blueprint.post("/bundles")
def publish() -> tuple[dict[str, Any], int]:
    """Sign files for nodes; ``account`` is an id or e-mail address."""
    given = dict(incoming.body("files", "account", "allow", "deny", "facts", "days"))
    if given.get("account"):
        given["account"] = accounts.found(given["account"]).id
    return {"bundle": bundles.publish(g.actor, given)}, 201


@blueprint.get("/bundles")
def listed() -> dict[str, Any]:
    """List the bundles that nodes may still take."""
    return {"bundles": bundles.listed()}
