"""Configuration: what you set for your nodes."""

from typing import Annotated, Any

from flask import Response, g
from pydantic import BaseModel, Field, StringConstraints

from pillar_service.core.nodes.configuration import LONGEST_KEY
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.nodes import configuration
from pillar_service.web import conditions
from pillar_service.web.api.operations import CHANGED, Noun
from pillar_service.web.api.shapes import ANY_REVISION, TAG, Moment, Taken

blueprint = Noun("configuration", "What you set for your nodes, whose machines act on it")

Key = Annotated[str, StringConstraints(max_length=LONGEST_KEY)]


class KeyValue(BaseModel):
    """A key with its value; ``revision`` grows with each change in the account."""

    key: Key
    value: Any
    revision: int
    by: str
    at: Moment


class KeyChange(KeyValue):
    """One change; ``deleted``: there is no value from then on."""

    deleted: bool


class Configuration(BaseModel):
    """All keys, and the revision of the last change."""

    revision: int
    keys: list[KeyValue]


class KeyChanges(BaseModel):
    """Changes, the newest first."""

    changes: list[KeyChange]


class NewValue(Taken):
    """The value: any JSON."""

    value: Any = Field(description="Any JSON of at most 16 KiB", json_schema_extra={"example": {"after_s": 60}})


class KeyPath(BaseModel):
    """Which key: words with slashes between."""

    key: str = Field(description="The key, such as pub/restart-after")


class Condition(BaseModel):
    """What must be there for the change to be made; otherwise the answer is 412, with what is there as ``current``."""

    match: str | None = Field(
        None, alias="If-Match", pattern=TAG, description="The ETag that the current revision must have"
    )
    none: str | None = Field(
        None, alias="If-None-Match", pattern=ANY_REVISION, description="*: only if there is no value"
    )


class WantedChanges(Taken):
    """Which changes."""

    key: Key | None = Field(None, description="Only changes of this key")
    before: int | None = Field(None, ge=1, lt=2**62, description="Older than this revision")


@blueprint.on("get", "/configuration", Scope.READ, {200: Configuration})
def listed() -> Response:
    """All keys with their values."""
    told = configuration.listed(g.bearer.account)
    return conditions.tagged(told, told["revision"])


@blueprint.on("get", "/configuration-changes", Scope.READ, {200: KeyChanges})
def changes(query: WantedChanges) -> dict[str, Any]:
    """What was changed, by whom, when: the newest 500 are kept, and listed 50 at a time."""
    return {"changes": configuration.history(g.bearer.account, query.key, query.before)}


@blueprint.on("get", "/configuration/<path:key>", Scope.READ, {200: KeyValue})
def show(path: KeyPath) -> Response:
    """One key; its ETag is what If-Match takes."""
    told = configuration.show(g.bearer.account, path.key)
    return conditions.tagged(told, told["revision"])


@blueprint.on("put", "/configuration/<path:key>", Scope.OPERATE, {200: KeyValue} | CHANGED)
def put(path: KeyPath, body: NewValue, header: Condition) -> Response:
    """Set a key; your nodes have it within 2 seconds, or when they are back online."""
    told = configuration.set(g.bearer.actor, g.bearer.account, path.key, body.value, conditions.expected())
    return conditions.tagged(told, told["revision"])


@blueprint.on("delete", "/configuration/<path:key>", Scope.OPERATE, {204: None} | CHANGED)
def delete(path: KeyPath, header: Condition) -> tuple[str, int]:
    """Delete a key."""
    configuration.delete(g.bearer.actor, g.bearer.account, path.key, conditions.expected())
    return "", 204
