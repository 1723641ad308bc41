"""Pillars and their changes."""

from flask import Blueprint, Response, request

from pillar_service.core.errors import NotFound
from pillar_service.core.names import shown
from pillar_service.usecases.nodes import pillars
from pillar_service.web import incoming, waiting

blueprint = Blueprint("pillars", __name__)


@blueprint.get("/pillar/<node>")
def pillar(node: str) -> Response:
    """The pillar of a node as it is served; 304 if the asker has it already."""
    found = pillars.ready(node)
    if found is None:
        raise NotFound(f"There is no node {shown(node)}.")
    body, etag = found
    if request.headers.get("If-None-Match") == etag:
        answer = Response(status=304)
    else:
        answer = Response(body, mimetype="application/json")
    answer.headers["ETag"] = etag
    return answer


@blueprint.get("/changes")
def changes() -> dict[str, object]:
    """List the nodes whose pillar changed after a serial, and those whose configuration did. Waits for a change."""
    after = incoming.after()
    if after is not None:
        waiting.until(lambda: _has_news(after), incoming.wait())
    serial, nodes, configured = pillars.changes(after)
    return {"serial": serial, "nodes": nodes, "configured": configured}


def _has_news(after: int) -> bool:
    pillars.refresh()  # the catalogue's files may have changed; news only if a pillar changed with them
    return bool(pillars.changes(after)[1])
