"""What is fetched from an address that says for itself who may, and until when."""

from flask import Blueprint, Response, request

from pillar_service.usecases.nodes import bundles

blueprint = Blueprint("downloads", __name__)


@blueprint.get("/bundles/<serial>")
def bundle(serial: str) -> Response:
    """A signed bundle, for the node that was given this address a moment ago."""
    given = (request.args.get(name, "") for name in ("node", "until", "signature"))
    return Response(bundles.fetched(serial, *given), mimetype="application/json")
