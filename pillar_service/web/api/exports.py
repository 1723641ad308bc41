"""Exports: take a bot's data out."""

from typing import Any

from flask import Response, send_file
from pydantic import Field

from pillar_service.core.permissions import Act
from pillar_service.core.scopes import Scope
from pillar_service.usecases import transfers
from pillar_service.web.api.actions import Doing, asked
from pillar_service.web.api.agents import require
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Asked, BotPath, Repeatable, Taken

blueprint = Noun("exports", "A bot's data, to take along")

TAR = {"description": "The tar; a part of it, where a Range was asked for", "content": {"application/x-tar": {}}}


class Which(Taken):
    """Which export."""

    job: str = Field(max_length=100, description="The id of the job that made it")


@blueprint.on("post", "/agents/<id>/export", Scope.EXPORT, {202: Asked})
def export(path: BotPath, body: Doing, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Ask for an export; when its job has succeeded, it can be fetched for a day."""
    return asked("bots.export", path.id, body.arguments, header.key), 202


@blueprint.on("get", "/agents/<id>/export", Scope.EXPORT, {200: TAR, 206: TAR, 304: None, 416: None})
def download(path: BotPath, query: Which) -> Response:
    """Fetch an export. It holds the bot's secret: whoever has that is the bot."""
    found = transfers.export_of(require(Act.EXPORT, path.id), query.job)
    return send_file(transfers.path(found.id), mimetype="application/x-tar", as_attachment=True)
