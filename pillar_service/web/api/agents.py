"""Agents: the bots that a person belongs to."""

from typing import Any, Literal

from flask import g
from pydantic import BaseModel, Field

from pillar_service.core.agents import Actual, Desired
from pillar_service.core.errors import Invalid
from pillar_service.core.permissions import Act
from pillar_service.core.scopes import Scope
from pillar_service.usecases import bots, permissions, pouring
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Agent, Asked, BotName, BotPath, Job, Line, Moment, Repeatable, Taken

blueprint = Noun("agents", "Bots: what they should be and what they are")


class Page(Taken):
    """A part of a list."""

    limit: int = Field(50, ge=1, le=200, description="How many at most")
    after: str | None = Field(None, max_length=63, description="The name of the last one before; 'next' of a list")


class NewAgent(Taken):
    """A bot to pour."""

    name: BotName = Field(description="It becomes <name>.<the place>")
    description: Line = ""


class Change(Taken):
    """One change: one of these, not both."""

    model_config = Taken.model_config | {"json_schema_extra": {"minProperties": 1, "maxProperties": 1}}
    description: Line = Field(None)
    desired: Literal["running", "stopped"] = Field(None)


class Agents(BaseModel):
    """Bots by name; ``next`` is what to send as ``after`` for those that follow, if any do."""

    agents: list[Agent]
    next: str | None


class OneAgent(BaseModel):
    """One bot."""

    agent: Agent


class Changed(BaseModel):
    """A bot that was changed, and the job if its node has to do something."""

    agent: Agent
    job: Job | None


class Status(BaseModel):
    """How a bot is: as its node last told, with its figures."""

    actual: Actual
    desired: Desired
    detail: str
    version: str | None
    node: str
    reported_at: Moment | None
    health: dict[str, Any] | None


def require(act: Act, key: str) -> str:
    """The id of the bot, if who asks may do this with it; for strangers it does not exist."""
    return str(permissions.require(g.bearer.account, act, key).id)


@blueprint.on("get", "/agents", Scope.READ, {200: Agents})
def listed(query: Page) -> dict[str, Any]:
    """The bots that you belong to, by name."""
    rest = [bot for bot in bots.listed(account=g.bearer.account) if bot["name"] > (query.after or "")]
    shown = rest[: query.limit]
    return {"agents": shown, "next": shown[-1]["name"] if len(rest) > len(shown) else None}


@blueprint.on("post", "/agents", Scope.ACCOUNT, {201: Asked})
def create(body: NewAgent, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Make a bot, which is yours, and pour it."""
    return pouring.create(g.bearer.account, body.name, body.description, header.key), 201


@blueprint.on("get", "/agents/<id>", Scope.READ, {200: OneAgent})
def show(path: BotPath) -> dict[str, Any]:
    """One bot."""
    return {"agent": bots.show(require(Act.SEE, path.id))}


@blueprint.on("patch", "/agents/<id>", Scope.OPERATE, {200: Changed})
def change(path: BotPath, body: Change, header: Repeatable) -> dict[str, Any]:
    """Change one thing: a bot's description, or whether it should run."""
    if len(body.model_fields_set) != 1:
        raise Invalid("Send one change: 'description' or 'desired'.")
    if "desired" in body.model_fields_set:
        bot = require(Act.OPERATE, path.id)
        return bots.desire(g.bearer.actor, bot, Desired(body.desired), header.key)
    return bots.describe(g.bearer.actor, require(Act.CHANGE, path.id), body.description) | {"job": None}


@blueprint.on("delete", "/agents/<id>", Scope.ACCOUNT, {202: Asked})
def delete(path: BotPath, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Let a bot go."""
    return bots.delete(g.bearer.actor, require(Act.DELETE, path.id), False, header.key), 202


@blueprint.on("get", "/agents/<id>/status", Scope.READ, {200: Status})
def status(path: BotPath) -> dict[str, Any]:
    """How a bot is."""
    bot = bots.show(require(Act.SEE, path.id))
    return {key: bot[key] for key in Status.model_fields}
