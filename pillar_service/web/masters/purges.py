"""Data of deleted bots whose time has come."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.bots import bringing_back
from pillar_service.usecases.service import retention

blueprint = Blueprint("purges", __name__)


@blueprint.post("/purges")
def due() -> dict[str, Any]:
    """Ask for the removal of all data that is due; the jobs. Twice is as good as once."""
    return {"jobs": bringing_back.purge_due(g.actor)}


@blueprint.post("/retention")
def forget() -> dict[str, int]:
    """Remove what is older than the settings say; how many of what went. Twice does no harm."""
    return retention.forget(g.actor)
