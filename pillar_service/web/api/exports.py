"""Exports: take a bot's data out."""

from typing import Any

from flask import Response, g
from pydantic import Field, model_validator

from pillar_service.core.bots.exports import HOLDS_SECRET, Kind
from pillar_service.core.people.permissions import Act
from pillar_service.core.people.scopes import Scope, TokenKind
from pillar_service.usecases.bots import transfers
from pillar_service.web import sending
from pillar_service.web.api.actions import asked
from pillar_service.web.api.agents import confirm, require
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Asked, BotPath, Confirmation, Repeatable, Taken

blueprint = Noun("exports", "A bot's data, to take along")

TAR = {"description": "The tar, or the part of it that a Range asked for", "content": {"application/x-tar": {}}}
EXAMPLE = {"kind": "everything", "password": "quince teapot walrus 7"}


class Export(Confirmation):
    """What is to be exported.

    With the secret in it, somebody who signed in must give the password again. A token that was made for exports
    needs none: it was made with the password, for programs that run unattended.
    """

    model_config = Confirmation.model_config | {"openapi_extra": {"required": False, "example": EXAMPLE}}
    kind: Kind = Field(Kind.EVERYTHING, description="Only everything can be imported again")
    password: str = Field("", max_length=1000, json_schema_extra={"example": "quince teapot walrus 7"})

    @model_validator(mode="before")
    @classmethod
    def _nothing_sent(cls, value: Any) -> Any:
        return {} if value is None else value


class Which(Taken):
    """Which export."""

    job: str = Field(max_length=100, description="The id of the job that made it")


@blueprint.on("post", "/agents/<id>/export", Scope.EXPORT, {202: Asked})
def export(path: BotPath, body: Export, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Ask for an export; when its job has succeeded, it can be fetched for a day."""
    bot = require(Act.EXPORT, path.id)
    if body.kind in HOLDS_SECRET and g.bearer.kind is TokenKind.SESSION:
        confirm(body, header)
    return asked("bots.export", bot, {"kind": str(body.kind)}, header.key), 202


@blueprint.on("get", "/agents/<id>/export", Scope.EXPORT, {200: TAR, 206: TAR, 304: None, 416: None})
def download(path: BotPath, query: Which) -> Response:
    """Fetch an export. It holds the bot's secret: whoever has that is the bot."""
    found = transfers.export_of(require(Act.EXPORT, path.id), query.job)
    return sending.to_person(g.bearer.account, transfers.path(found.id))
