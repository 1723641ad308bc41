"""The node's door in the public app: health reports in, tars in and out."""

from typing import Any

from flask import Blueprint, Response, g, request, send_file
from werkzeug.exceptions import UnsupportedMediaType

from pillar_service.core import tokens
from pillar_service.settings import settings
from pillar_service.usecases import health, nodes, transfers
from pillar_service.web import incoming

blueprint = Blueprint("door", __name__)

BATCH = "application/cloudevents-batch+json"
LARGEST_BATCH = 8 << 20


@blueprint.before_request
def _authenticate() -> None:
    g.node = nodes.known(tokens.verify_node_token(settings().secret_key, incoming.bearer()))


@blueprint.post("/events")
def events() -> tuple[dict[str, Any], int]:
    """A CloudEvents batch; what the answer accepts is on disk."""
    request.max_content_length = LARGEST_BATCH
    if request.mimetype != BATCH:
        raise UnsupportedMediaType(f"Send {BATCH}.")
    return health.take(g.node, request.get_json(force=True)), 202


@blueprint.put("/transfers/<job>")
def deliver(job: str) -> tuple[dict[str, Any], int]:
    """The tar that an export job made on this node."""
    request.max_content_length = settings().transfer_bytes
    return transfers.deliver(g.node, job, request.stream), 201


@blueprint.get("/transfers/<job>")
def fetch(job: str) -> Response:
    """The tar that an import on this node needs."""
    return send_file(transfers.path(transfers.for_node(g.node, job).id), mimetype="application/x-tar")
