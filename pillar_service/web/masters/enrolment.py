"""Tokens that let machines in, as operators make them."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.nodes import enrolment_tokens
from pillar_service.web import incoming

blueprint = Blueprint("enrolment", __name__)


@blueprint.post("/enrolment-tokens")
def create() -> tuple[dict[str, Any], int]:
    """Make one; its secret is told this once."""
    given = incoming.body("account", "labels", "uses", "life", "pattern", "replaces")
    return {"token": enrolment_tokens.create(g.actor, **given)}, 201


@blueprint.get("/enrolment-tokens")
def listed() -> dict[str, Any]:
    """The newest of all."""
    return {"tokens": enrolment_tokens.listed()}


@blueprint.post("/enrolment-tokens/<id>/revoke")
def revoke(id: str) -> dict[str, Any]:
    """End one."""
    enrolment_tokens.revoke(g.actor, id)
    return {}
