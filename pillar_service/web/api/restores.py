"""Restores: a bot of a lost node comes to life on another."""

from typing import Any

from flask import g
from pydantic import BaseModel, Field, model_validator

from pillar_service.core.people.permissions import Act
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.bots import restoring
from pillar_service.web.api.agents import require
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Asked, BotPath, Moment, NodeName, Repeatable, Taken

blueprint = Noun("restores", "A bot of a lost node, brought to life on another from its newest export")


class Tar(BaseModel):
    """The newest export of everything that is kept: from when, up to which message, how many bytes."""

    at: Moment
    sequence: int
    size: int


class Meaning(BaseModel):
    """What restoring a bot would mean.

    ``unread`` is how many messages it is known to have written after that export; ``why`` is why it can't be restored now.
    """

    is_lost: bool
    tar: Tar | None
    unread: int
    why: str | None


class Restore(Taken):
    """Where it is to live; may be left out."""

    model_config = Taken.model_config | {"openapi_extra": {"required": False}}
    node: NodeName | None = None
    typed: str | None = Field(
        None,
        max_length=63,
        description="The bot's name, if messages are known to be lost: their readers will see a fork",
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_sent(cls, value: Any) -> Any:
        return {} if value is None else value


@blueprint.on("get", "/agents/<id>/restore", Scope.READ, {200: Meaning})
def show(path: BotPath) -> dict[str, Any]:
    """What restoring a bot would mean."""
    return restoring.show(require(Act.SEE, path.id))


@blueprint.on("post", "/agents/<id>/restore", Scope.ACCOUNT, {202: Asked})
def restore(path: BotPath, body: Restore, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Bring it to life on another node, from its newest export. What it wrote after that is lost."""
    bot = require(Act.CHANGE, path.id)
    return restoring.restore(g.bearer.actor, bot, body.node, body.typed, header.key), 202
