"""What nodes tell of themselves, for operators and for Prometheus."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from pillar_service.usecases.nodes import facts
from pillar_service.web import incoming

blueprint = Blueprint("facts", __name__)


@blueprint.get("/facts/<node>")
def show(node: str) -> dict[str, Any]:
    """One node's facts, and what of them changed."""
    told = facts.show(None, node, incoming.before())
    return {key: told[key] for key in ("node", "facts", "changes")}


@blueprint.get("/prometheus/targets")
def targets() -> Response:
    """The nodes, as Prometheus's HTTP service discovery reads them."""
    asked = {name: request.args[name] for name in ("port", "whose") if name in request.args}
    return jsonify(facts.targets(**asked))
