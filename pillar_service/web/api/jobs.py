"""Jobs, and their lines as they come."""

import re
from typing import Any

from flask import g, request
from pydantic import BaseModel, Field

from pillar_service.core.errors import Invalid
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.jobs import jobs
from pillar_service.web.api import streams
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import LAST_LINE, Job, JobLine, Taken

blueprint = Noun("jobs", "How what you asked for is going")

HEARD = re.compile(r"(?P<n>[0-9]{1,18})(?P<end>\.end)?", re.ASCII)


class JobPath(BaseModel):
    """Which job."""

    id: str


class OneJob(BaseModel):
    """One job."""

    job: Job


class WhichJobs(Taken):
    """Which jobs."""

    agent: str | None = Field(None, max_length=63, description="Only of this bot: its id or name")
    state: JobState | None = Field(None, description="Only in this state")
    limit: int = Field(100, ge=1, le=jobs.MOST_LISTED, description="How many at most")


class Jobs(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]


class Lines(BaseModel):
    """A job and its lines; as server-sent events they come while they are written."""

    model_config = {"openapi_extra": {"content": {streams.EVENTS: {"schema": {"type": "string"}}}}}
    job: Job
    lines: list[JobLine]
    next: int | None = Field(
        description="There are more lines: ask for those after this one. Null if these are the last"
    )


class After(Taken):
    """Which lines."""

    after: int = Field(0, ge=0, lt=10**18, description="Only those after this one")


class Resume(BaseModel):
    """How far a stream that broke off had come."""

    last: str | None = Field(None, alias="Last-Event-ID", max_length=30, pattern=LAST_LINE)


@blueprint.on("get", "/jobs", Scope.READ, {200: Jobs})
def listed(query: WhichJobs) -> dict[str, Any]:
    """The newest jobs of your bots, newest first."""
    return {"jobs": jobs.listed_to(g.bearer.account, query.agent, query.state, query.limit)}


@blueprint.on("post", "/jobs/<id>/cancel", Scope.OPERATE, {200: OneJob})
def cancel(path: JobPath) -> dict[str, Any]:
    """Cancel a waiting job, if that undoes everything that asking for it did."""
    return {"job": jobs.take_back(g.bearer.account, path.id)}


@blueprint.on("get", "/jobs/<id>", Scope.READ, {200: OneJob})
def show(path: JobPath) -> dict[str, Any]:
    """How a job is going."""
    return {"job": jobs.told_to(g.bearer.account, path.id)}


@blueprint.on("get", "/jobs/<id>/lines", Scope.READ, {200: Lines, 204: None})
def lines(path: JobPath, query: After, header: Resume) -> Any:
    """What happened, line by line, at most 1,000 lines at once; with ``after=`` the next ones.

    With 'Accept: text/event-stream' all come, as they are written, until the job is over. Each event's id is the line's
    number; send the last one you have as Last-Event-ID to go on from there. The last event is 'end' and holds the job;
    who has that and asks again gets 204.
    """
    told = jobs.show_to(g.bearer.account, path.id, query.after)
    if streams.EVENTS not in request.headers.get("Accept", ""):
        return told
    heard = HEARD.fullmatch(header.last) if header.last else None
    if header.last and heard is None:
        raise Invalid("Last-Event-ID must be the id of an event that this stream sent.")
    if heard and heard["end"]:
        return "", 204
    return streams.of_job(path.id, int(heard["n"]) if heard else query.after)
