"""The shapes of what the API takes and gives, from which its description is written."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pillar_service.core.events.events import Kind
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.names import NOTE_LENGTH, TEXT_LENGTH
from pillar_service.core.nodes.selectors import LONGEST
from pillar_service.core.people.agents import Actual, Belonging, Desired
from pillar_service.core.people.scopes import Scope, TokenKind

BOT_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
TAG = r'^"[0-9]{1,18}"$'
ANY_REVISION = r"^\*$"
KEY_OF_REQUEST = r"^[ -~]*$"
EVENT_TYPE = r"^[a-z0-9.*-]+$"
LAST_LINE = r"^[0-9]{1,18}(\.end)?$"
LAST_EVENT = r"^[0-9]{1,18}$"

Moment = Annotated[float, Field(description="Unix seconds")]
BotName = Annotated[str, StringConstraints(pattern=BOT_NAME)]
Line = Annotated[str, StringConstraints(max_length=TEXT_LENGTH)]
Note = Annotated[str, StringConstraints(max_length=NOTE_LENGTH)]
EventText = Annotated[str | None, Field(max_length=200)]

NodeName = Annotated[str, Field(min_length=1, max_length=128, description="The node to put it on")]
NodeSelector = Annotated[
    str,
    Field(max_length=LONGEST, description="Labels that its node must have", json_schema_extra={"example": "site=shed"}),
]


class Taken(BaseModel):
    """Base of what is sent: a key that is not known is refused, and no value is taken for one of another type."""

    model_config = ConfigDict(extra="forbid")


class Confirmation(Taken):
    """What proves again that it is you, before something dangerous."""

    password: str = Field(
        max_length=1000, description="Your password", json_schema_extra={"example": "quince teapot walrus 7"}
    )
    code: str | None = Field(None, max_length=100, description="The code of your second factor, if it is on")


class Problem(BaseModel):
    """What went wrong (RFC 9457); ``detail`` is a sentence that says what to do."""

    type: str
    title: str
    status: int
    detail: str


class Person(BaseModel):
    """Somebody who belongs to a bot."""

    email: str
    role: Belonging


class Agent(BaseModel):
    """A bot: what it should be (``desired``), what its node is told (``effective``), and what it is (``actual``).

    The two differ while all who own it are suspended, and while it moves. ``account`` is who belongs to it, or you alone
    if you may not share it.
    """

    id: str
    type: Literal["bot"]
    name: str
    host: str
    description: str
    service: str
    node: str
    port: int | None
    desired: Desired
    effective: Desired
    actual: Actual
    detail: str
    pub_id: str | None
    version: str | None
    image: str
    memory_mb: int
    deleted_at: Moment | None
    purge_at: Annotated[float | None, Field(description="When its data is deleted; until then it can be brought back")]
    account: list[Person]
    created_at: Moment
    reported_at: Moment | None
    health: dict[str, Any] | None


class Job(BaseModel):
    """One thing asked of one bot, and how it went."""

    id: str
    command: str
    bot: str
    bot_name: str
    node: str
    state: JobState
    arguments: dict[str, Any]
    result: Any
    error: str | None
    attempts: int
    actor: str
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None


class JobLine(BaseModel):
    """One line of what happened in a job; ``n`` counts from 1."""

    n: int
    at: Moment
    text: str


class Token(BaseModel):
    """A token without its secret; ``prefix`` is how the secret begins."""

    id: str
    kind: TokenKind
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None


class NewToken(Token):
    """A token with its secret, which is shown only this once."""

    secret: str


class Asked(BaseModel):
    """A bot, and the job that does what was asked."""

    agent: Agent
    job: Job


class BotPath(BaseModel):
    """Which bot."""

    id: str = Field(description="The bot's id, or its name")


class Repeatable(BaseModel):
    """A key with which the same request, sent again, is done only once."""

    key: str | None = Field(None, alias="Idempotency-Key", min_length=1, max_length=200, pattern=KEY_OF_REQUEST)


class EventFilter(Taken):
    """Which events: they must match everything that is given."""

    node: EventText = None
    kind: Kind | None = None
    type: Annotated[str | None, Field(max_length=200, pattern=EVENT_TYPE, description="May contain asterisks")] = None
    stream: EventText = None
    subject: EventText = None
    severity: Annotated[Literal["info", "warning", "critical"] | None, Field(description="At least this severe")] = None
