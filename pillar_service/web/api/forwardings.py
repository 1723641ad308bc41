"""Forwardings: where what your nodes tell goes on to."""

from typing import Annotated, Any, Literal

from flask import g
from pydantic import BaseModel, Field

from pillar_service.core.addresses import LONGEST_URL
from pillar_service.core.events.forwarding import ForwardingState, Way
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.events import forwardings
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import EventFilter, Moment, Taken

blueprint = Noun("forwardings", "Where what your nodes report is forwarded to: a webhook, or your mail")


class Forwarding(BaseModel):
    """Where events go, and how that is going. What waits is counted up to 1000."""

    id: str
    way: Way
    address: str
    filter: EventFilter
    state: ForwardingState
    error: str | None
    failures: int
    failing_since: Moment | None
    next_at: Moment | None
    sent: int
    sent_at: Moment | None
    lost: Annotated[int, Field(description="Deleted by retention before they were sent; the next batch says so")]
    waiting: int
    waiting_since: Moment | None
    is_tested: bool
    created_at: Moment


class MadeForwarding(Forwarding):
    """One with the secret that its webhook-signature is made with, which is shown only this once."""

    secret: str | None


class Forwardings(BaseModel):
    """All of them."""

    forwardings: list[Forwarding]


class NewForwarding(Taken):
    """Where events are to go."""

    way: Literal["webhook", "mail"] = Field(json_schema_extra={"example": "webhook"})
    address: str = Field(
        "",
        max_length=LONGEST_URL,
        description="A webhook's address; mail goes to your own",
        json_schema_extra={"example": "https://hooks.example.org/saltcellar"},
    )
    filter: EventFilter = Field(default_factory=EventFilter, json_schema_extra={"example": {"severity": "warning"}})


class Switched(Taken):
    """Whether events go there; switched on again, they resume where they stopped."""

    state: Literal["on", "off"]


class ForwardingPath(BaseModel):
    """Which one."""

    id: str


@blueprint.on("get", "/forwardings", Scope.READ, {200: Forwardings})
def listed() -> dict[str, Any]:
    """Where your events go."""
    return {"forwardings": forwardings.listed(g.bearer.account)}


@blueprint.on("post", "/forwardings", Scope.ACCOUNT, {201: MadeForwarding})
def make(body: NewForwarding) -> tuple[dict[str, Any], int]:
    """Forward events from now on: signed as standardwebhooks.com says, in order, each at least once."""
    asked = body.filter.model_dump(exclude_none=True)
    return forwardings.make(g.bearer.account, g.bearer.account, body.way, body.address, **asked), 201


@blueprint.on("patch", "/forwardings/<id>", Scope.ACCOUNT, {200: Forwarding})
def switch(path: ForwardingPath, body: Switched) -> dict[str, Any]:
    """Switch one on or off."""
    return forwardings.switch(g.bearer.actor, g.bearer.account, path.id, body.state == "on")


@blueprint.on("post", "/forwardings/<id>/test", Scope.ACCOUNT, {202: Forwarding})
def test(path: ForwardingPath) -> tuple[dict[str, Any], int]:
    """Send a test event, ahead of everything that waits."""
    return forwardings.test(g.bearer.actor, g.bearer.account, path.id), 202


@blueprint.on("delete", "/forwardings/<id>", Scope.ACCOUNT, {204: None})
def remove(path: ForwardingPath) -> tuple[str, int]:
    """Stop forwarding events there, and delete the forwarding."""
    forwardings.remove(g.bearer.actor, g.bearer.account, path.id)
    return "", 204
