"""Actions: what a person asks of a bot, each a job."""

from enum import StrEnum
from typing import Any

from flask import g
from pydantic import Field, model_validator

from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.bots import own_bots
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Asked, BotPath, Repeatable, Taken

blueprint = Noun("actions", "What you can ask of a bot; each request is a job")


class Action(StrEnum):
    """What can be asked here; the rest has an address of its own."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    UPGRADE = "upgrade"
    REBUILD = "rebuild"
    LOGS = "logs"
    INVITES = "invites"


class ActionPath(BotPath):
    """Which bot, and what to do."""

    action: Action = Field(description="What to do; 'invites' asks the pub again for its invites")


class Doing(Taken):
    """What an action needs to know; may be left out."""

    model_config = Taken.model_config | {"openapi_extra": {"required": False}}
    arguments: dict[str, Any] = Field({}, description='For logs, {"lines": 100}; the others take none')

    @model_validator(mode="before")
    @classmethod
    def _nothing_sent(cls, value: Any) -> Any:
        return {} if value is None else value


def asked(command: str, bot: str, arguments: dict[str, Any], key: str | None) -> dict[str, Any]:
    """Submit a command on a bot for the token's owner, if they may give it."""
    return own_bots.submit(g.bearer.account, command, bot, arguments, key)


@blueprint.on("post", "/agents/<id>/actions/<action>", Scope.OPERATE, {202: Asked})
def act(path: ActionPath, body: Doing, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Ask something of a bot: the answer is the job that does it."""
    return asked(f"bots.{path.action}", path.id, body.arguments, header.key), 202
