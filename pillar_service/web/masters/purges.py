"""Removal of data that is due: that of deleted bots, and old records."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.bots import bringing_back
from pillar_service.usecases.service import retention

blueprint = Blueprint("purges", __name__)


@blueprint.post("/purges")
def due() -> dict[str, Any]:
    """Ask for the removal of all bots' data that is due; returns the jobs. More than one call does no harm."""
    return {"jobs": bringing_back.purge_due(g.actor)}


@blueprint.post("/retention")
def forget() -> dict[str, int]:
    """Delete what is older than the settings say; returns how many of each kind. More than one call does no harm."""
    return retention.forget(g.actor)
