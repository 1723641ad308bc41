"""Tokens with which machines are enrolled as nodes, for operators."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.nodes import enrolment_tokens
from pillar_service.web import incoming

blueprint = Blueprint("enrolment", __name__)


@blueprint.post("/enrolment-tokens")
def create() -> tuple[dict[str, Any], int]:
    """Make a token; its secret is told this once."""
    given = incoming.body("account", "labels", "uses", "life", "pattern", "replaces")
    return {"token": enrolment_tokens.create(g.actor, **given)}, 201


@blueprint.get("/enrolment-tokens")
def listed() -> dict[str, Any]:
    """List the newest tokens of all accounts."""
    return {"tokens": enrolment_tokens.listed()}


@blueprint.post("/enrolment-tokens/<id>/revoke")
def revoke(id: str) -> dict[str, Any]:
    """Revoke a token."""
    enrolment_tokens.revoke(g.actor, id)
    return {}
