"""Commands of the catalogue, run by programs: each token runs one."""

from typing import Any

from pydantic import BaseModel, Field

from pillar_service.core.jobs.jobs import JobState
from pillar_service.usecases.meeseeks import by_token
from pillar_service.web import incoming
from pillar_service.web.api.operations import COMMAND_TOKEN, Noun
from pillar_service.web.api.shapes import Moment, Repeatable, Taken

blueprint = Noun("meeseeks", "Run a command of the catalogue with a token that was made for it in chat")


class Running(Taken):
    """What a run needs to know; may be left out."""

    model_config = Taken.model_config | {"openapi_extra": {"required": False}}
    arguments: dict[str, str | int | bool] = Field(
        {}, max_length=50, description="Those of the command's arguments that the token does not pin"
    )


class CommandJob(BaseModel):
    """One run of a command, or the part of it on one node."""

    id: str
    command: str
    node: str | None
    state: JobState
    arguments: dict[str, Any]
    result: Any
    error: str | None
    parts: int
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None


class CommandLine(BaseModel):
    """One line of what a place wrote; ``n`` counts from 1 in each place."""

    place: str
    n: int
    at: Moment
    text: str


class Ran(BaseModel):
    """The job that runs it."""

    job: CommandJob


class Going(BaseModel):
    """How a run is going: the whole, its part on each node where there are several, and the first lines of each: at most
    1,000, and 10,000 in all."""

    job: CommandJob
    parts: list[CommandJob]
    lines: list[CommandLine]


class RunPath(BaseModel):
    """Which run."""

    id: str


class Lines(Taken):
    """Which lines."""

    after: int = Field(0, ge=0, lt=10**9, description="Only the lines of each place after this one")


def _told(job: dict[str, Any]) -> dict[str, Any]:
    return {name: job[name] for name in CommandJob.model_fields}


@blueprint.on("post", "/api/meeseeks/run", None, {202: Ran}, COMMAND_TOKEN)
def run(body: Running, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Run the token's command as whoever made the token; their current roles decide. The answer is the job that runs it."""
    return {"job": _told(by_token.run(incoming.bearer(), body.arguments, header.key)["job"])}, 202


@blueprint.on("get", "/api/meeseeks/jobs/<id>", None, {200: Going}, COMMAND_TOKEN)
def show(path: RunPath, query: Lines) -> dict[str, Any]:
    """How a run that this token asked for is going."""
    told = by_token.show(incoming.bearer(), path.id, query.after)
    return {"job": _told(told["job"]), "parts": [_told(part) for part in told["parts"]], "lines": told["lines"]}
