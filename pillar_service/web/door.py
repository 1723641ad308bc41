"""The node's door in the public app: health reports in, tars in and out, commands begun and their lines in."""

from typing import Any

from flask import Blueprint, Response, g, request, send_file
from werkzeug.exceptions import UnsupportedMediaType

from pillar_service.settings import settings
from pillar_service.usecases import bundles, executing, health, nodes, transfers
from pillar_service.web import incoming

blueprint = Blueprint("door", __name__)

BATCH = "application/cloudevents-batch+json"
LARGEST_BATCH = 8 << 20
LARGEST_LINES = 4 << 20


@blueprint.before_request
def _authenticate() -> None:
    g.node = nodes.authenticated(incoming.bearer())


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


@blueprint.get("/bundle")
def bundle() -> dict[str, Any]:
    """Which bundle is for this node, and where it is for a few minutes."""
    return {"bundle": bundles.offered(g.node)}


@blueprint.post("/jobs/<id>/begin")
def begin(id: str) -> dict[str, Any]:
    """Whether an attempt of a job may begin on this node; the answer's secrets are told once."""
    return executing.begin(g.node, id, incoming.body("attempt").get("attempt"))


@blueprint.post("/jobs/<id>/lines")
def lines(id: str) -> dict[str, Any]:
    """Lines of a command that this node was allowed to begin; what the answer says is taken is on disk."""
    request.max_content_length = LARGEST_LINES
    given = incoming.body("attempt", "lines")
    return executing.add_lines(g.node, id, given.get("attempt"), given.get("lines"))


@blueprint.post("/capacities")
def capacities() -> dict[str, Any]:
    """What this node has to run commands with."""
    given = incoming.body("has", "slots")
    return executing.tell_capacities(g.node, given.get("has"), given.get("slots"))
