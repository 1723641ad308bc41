"""Agents: the bots that a person belongs to."""

from operator import itemgetter
from typing import Any, Literal

from flask import g
from pydantic import BaseModel, Field

from pillar_service.core.errors import Invalid
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.core.people.permissions import Act
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.bots import bots, bringing_back, own_bots, pouring
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import confirming, permissions
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import (
    Agent,
    Asked,
    BotName,
    BotPath,
    Confirmation,
    Job,
    Line,
    Moment,
    NodeName,
    NodeSelector,
    Repeatable,
    Taken,
)

BEHIND = "~"
"""Sorts after every id."""

blueprint = Noun("agents", "Bots: what they should be and what they are")


class Page(Taken):
    """A part of a list."""

    limit: int = Field(50, ge=1, le=200, description="How many at most")
    after: str | None = Field(
        None, max_length=100, description="'next' of the list before, or the name of its last bot"
    )
    deleted: bool = Field(
        False, description="Those that you deleted and can bring back, instead of those that are there"
    )


class NewAgent(Taken):
    """A bot to pour."""

    name: BotName = Field(description="It becomes <name>.<the place>", json_schema_extra={"example": "garden"})
    description: Line = ""
    node: NodeName | None = None
    selector: NodeSelector | None = None


class Change(Taken):
    """One change: one of these, not both."""

    model_config = Taken.model_config | {
        "json_schema_extra": {"minProperties": 1, "maxProperties": 1},
        "openapi_extra": {"example": {"description": "For friends of the garden"}},
    }
    description: Line = Field(None)
    desired: Literal["running", "stopped"] = Field(None)


class Agents(BaseModel):
    """Bots by name, and by id where names are the same; ``next`` is what to send as ``after`` for those that follow, if any."""

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
    """How a bot is, as its node last reported it, with its figures."""

    actual: Actual
    desired: Desired
    detail: str
    version: str | None
    node: str
    reported_at: Moment | None
    health: dict[str, Any] | None


def require(act: Act, key: str) -> str:
    """The bot's id, if the token's owner may do this with it.

    Raises NotFound if they may not see the bot, Forbidden if they may only see it.
    """
    return str(permissions.require(g.bearer.account, act, key).id)


def confirm(given: Confirmation, header: Repeatable) -> None:
    """Check password and code, unless this request was made before with the same key: a code works only once."""
    if jobs.asked_before(g.bearer.actor, header.key) is None:
        confirming.confirm(g.bearer.account, given.password, given.code)


@blueprint.on("get", "/agents", Scope.READ, {200: Agents})
def listed(query: Page) -> dict[str, Any]:
    """The bots that you belong to, by name."""
    person, after = g.bearer.account, _place(query.after or "")
    found = bringing_back.deleted(person) if query.deleted else own_bots.listed(person)
    place = itemgetter("name", "id")
    rest = sorted((bot for bot in found if place(bot) > after), key=place)
    shown = rest[: query.limit]
    return {"agents": shown, "next": ".".join(place(shown[-1])) if len(rest) > len(shown) else None}


def _place(written: str) -> tuple[str, str]:
    """The name and id after which a list goes on; with a name alone, after all bots of that name."""
    name, dot, id = written.partition(".")
    return (name, id) if dot else (name, BEHIND)


@blueprint.on("post", "/agents/<id>/bring-back", Scope.ACCOUNT, {202: Asked})
def bring_back(path: BotPath, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Bring back a deleted bot, with its data; its id is in the list of deleted ones."""
    return own_bots.bring_back(g.bearer.account, path.id, header.key), 202


@blueprint.on("post", "/agents", Scope.ACCOUNT, {201: Asked})
def create(body: NewAgent, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Make a bot of your own, and pour it."""
    return pouring.create(g.bearer.account, body.name, body.description, header.key, body.node, body.selector), 201


@blueprint.on("get", "/agents/<id>", Scope.READ, {200: OneAgent})
def show(path: BotPath) -> dict[str, Any]:
    """One bot."""
    return {"agent": own_bots.show(g.bearer.account, path.id)}


@blueprint.on("patch", "/agents/<id>", Scope.OPERATE, {200: Changed})
def change(path: BotPath, body: Change, header: Repeatable) -> dict[str, Any]:
    """Change one thing: a bot's description, or whether it should run."""
    if len(body.model_fields_set) != 1:
        raise Invalid("Send one change: 'description' or 'desired'.")
    if "desired" in body.model_fields_set:
        return own_bots.desire(g.bearer.account, path.id, Desired(body.desired), header.key)
    return own_bots.describe(g.bearer.account, path.id, body.description) | {"job": None}


@blueprint.on("delete", "/agents/<id>", Scope.ACCOUNT, {202: Asked})
def delete(path: BotPath, body: Confirmation, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Delete a bot; it can be brought back for some days. This takes your password, whatever the token."""
    bot = require(Act.DELETE, path.id)
    confirm(body, header)
    return own_bots.delete(g.bearer.account, bot, header.key), 202


@blueprint.on("get", "/agents/<id>/status", Scope.READ, {200: Status})
def status(path: BotPath) -> dict[str, Any]:
    """How a bot is."""
    bot = bots.show(require(Act.SEE, path.id))
    return {key: bot[key] for key in Status.model_fields}
