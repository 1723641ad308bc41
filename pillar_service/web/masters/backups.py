"""Backups of the control plane."""

from typing import Any

from flask import Blueprint, g

from pillar_service.core.service.backups import RoundKind
from pillar_service.usecases.service import backup_rounds
from pillar_service.web import incoming

blueprint = Blueprint("backups", __name__)


@blueprint.post("/backups")
def ask() -> tuple[dict[str, Any], int]:
    """Ask for a snapshot. It is made afterwards."""
    incoming.body()
    return {"round": backup_rounds.ask(g.actor, RoundKind.BACKUP)}, 202


@blueprint.post("/backups/verifications")
def verify() -> tuple[dict[str, Any], int]:
    """Ask for a verification of the newest snapshot. It is done afterwards."""
    incoming.body()
    return {"round": backup_rounds.ask(g.actor, RoundKind.VERIFICATION)}, 202


@blueprint.get("/backups")
def listed() -> dict[str, Any]:
    """List the newest rounds: the snapshots and verifications that were asked for."""
    return {"rounds": backup_rounds.listed()}


@blueprint.get("/backups/kept")
def kept() -> dict[str, Any]:
    """Show what the repository holds now."""
    return backup_rounds.kept()


@blueprint.get("/backups/<id>")
def show(id: str) -> dict[str, Any]:
    """Show one round."""
    return {"round": backup_rounds.show(id)}
