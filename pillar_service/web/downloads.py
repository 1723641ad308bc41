"""Files at signed addresses: the address itself says who may fetch the file, and until when."""

from flask import Blueprint, Response, request

from pillar_service.usecases.nodes import bundles

blueprint = Blueprint("downloads", __name__)


@blueprint.get("/bundles/<serial>")
def bundle(serial: str) -> Response:
    """A signed bundle, for the node that this address was made for a few minutes ago."""
    given = (request.args.get(name, "") for name in ("node", "until", "signature"))
    return Response(bundles.fetched(serial, *given), mimetype="application/json")
