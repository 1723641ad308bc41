"""Tars of exports and imports, for masters."""

from typing import Any

from flask import Blueprint, Response, g, request

from pillar_service.settings import settings
from pillar_service.usecases.bots import transfers
from pillar_service.web import sending

blueprint = Blueprint("transfers", __name__)


@blueprint.post("/uploads")
def upload() -> tuple[dict[str, Any], int]:
    """Take the tar of an export, to be imported later."""
    request.max_content_length = settings().transfer_bytes
    return transfers.upload(g.actor, request.stream), 201


@blueprint.get("/transfers/<job>")
def exported(job: str) -> Response:
    """Send the tar that an export job made."""
    return sending.to_master(transfers.path(transfers.exported(job).id))
