"""What nodes report about themselves, for operators and for Prometheus."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from pillar_service.usecases.nodes import facts
from pillar_service.web import incoming

blueprint = Blueprint("facts", __name__)


@blueprint.get("/facts/<node>")
def show(node: str) -> dict[str, Any]:
    """Show one node's facts, and how they changed."""
    told = facts.show(None, node, incoming.before())
    return {key: told[key] for key in ("node", "facts", "changes")}


@blueprint.get("/prometheus/targets")
def targets() -> Response:
    """List the nodes in the format of Prometheus's HTTP service discovery."""
    asked = {name: request.args[name] for name in ("port", "whose") if name in request.args}
    return jsonify(facts.targets(**asked))
