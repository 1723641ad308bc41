"""What nodes told: listed, and as it comes."""

from typing import Annotated, Any

from flask import g, request
from pydantic import BaseModel, Field

from pillar_service.core.events.events import MOST_LISTED, Filter, Kind
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.events import stories
from pillar_service.web.api import streams
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import LAST_EVENT, EventFilter, Moment

blueprint = Noun("events", "What your nodes report")

MOST = 10**18


class Event(BaseModel):
    """An event of a node. ``at``, ``mono`` and ``boot`` are by the node's clocks, ``received_at`` by ours."""

    n: Annotated[int, Field(description="Grows in the order in which the service received them")]
    id: str
    node: str
    kind: Kind
    type: str
    subject: str
    stream: str
    priority: int
    severity: str
    epoch: int
    sequence: int
    at: Moment
    mono: float
    boot: str
    is_synced: Annotated[bool, Field(description="Whether the node's wall clock could be trusted")]
    received_at: Moment
    data: Any


class Events(BaseModel):
    """Events, newest first; as server-sent events they come as they are received, oldest first."""

    model_config = {"openapi_extra": {"content": {streams.EVENTS: {"schema": {"type": "string"}}}}}
    events: list[Event]
    next: Annotated[int | None, Field(description="Where the next page begins, for 'before'; null on the last one")]


class WhichEvents(EventFilter):
    """Which events: they must match everything that is given."""

    since: Annotated[float | None, Field(ge=0, le=1e11, description="Received since then (Unix seconds)")] = None
    before: Annotated[int | None, Field(ge=1, lt=MOST, description="Only those with a smaller n")] = None
    after: Annotated[int | None, Field(ge=0, lt=MOST, description="Only those with a greater n")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED, description="How many at most")] = 100


class Resume(BaseModel):
    """How far a stream that broke off had come."""

    last: str | None = Field(None, alias="Last-Event-ID", max_length=18, pattern=LAST_EVENT)


@blueprint.on("get", "/api/events", Scope.READ, {200: Events})
def listed(query: WhichEvents, header: Resume) -> Any:
    """What your nodes reported. With 'Accept: text/event-stream' events come as they arrive, after 'after' or from now on.

    Each one's id is its n; send the last one you have as Last-Event-ID to go on from there. Lists go on with 'before'.
    """
    asked = Filter.read(**{name: getattr(query, name) for name in Filter.__dataclass_fields__})
    if streams.EVENTS in request.headers.get("Accept", ""):
        after = int(header.last) if header.last else query.after
        return streams.of_nodes(asked, stories.newest() if after is None else after)
    return stories.listed(g.bearer.account, asked, query.limit, query.before, query.after or 0, query.since)
