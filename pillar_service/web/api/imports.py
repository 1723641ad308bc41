"""Imports: bring an export to life as a bot."""

from typing import Any

from flask import g
from flask_openapi3 import RawModel
from pydantic import Field

from pillar_service.core import names
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.bots import pouring
from pillar_service.web import uploads
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Asked, BotName, Line, NodeName, NodeSelector, Repeatable, Taken

blueprint = Noun("imports", "Bringing an exported bot to life")


class Named(Taken):
    """How the bot is to be called."""

    name: BotName = Field(description="It becomes <name>.<the place>")
    description: Line = ""
    node: NodeName | None = None
    selector: NodeSelector | None = None


class Tar(RawModel):
    """An export of everything."""

    mimetypes: list[str] = ["application/x-tar"]  # noqa: RUF012  (the library reads it so)


@blueprint.on("post", "/imports", Scope.ACCOUNT, {201: Asked})
def take(query: Named, raw: Tar, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Send the tar as the body: the bot in it is poured, and is yours."""
    person, key = g.bearer.account, header.key or names.new_id()
    tar = raw.stream  # type: ignore[attr-defined]
    with uploads.taken(uploads.of_people, person):
        return pouring.bring_in(person, query.name, query.description, tar, key, query.node, query.selector), 201
