"""Jobs, for whoever asks for them."""

from typing import Any

from flask import Blueprint, g, request

from pillar_service.usecases.jobs import jobs
from pillar_service.web import incoming, waiting

blueprint = Blueprint("jobs", __name__)


@blueprint.post("/jobs")
def submit() -> tuple[dict[str, Any], int]:
    """Ask for a command on a bot."""
    given = incoming.body("command", "bot", "arguments")
    made = jobs.submit(g.actor, given.get("command"), given.get("bot"), given.get("arguments"), incoming.key())
    return made, 201


@blueprint.get("/jobs")
def listed() -> dict[str, Any]:
    """List the newest jobs, filtered by state, node or bot."""
    asked = {key: request.args.get(key) for key in ("state", "node", "bot")}
    return {"jobs": jobs.listed(**asked, limit=request.args.get("limit", 100))}


@blueprint.get("/jobs/<id>")
def show(id: str) -> dict[str, Any]:
    """Show a job and its lines. Waits for a new line or the job's end, unless too many wait already."""
    after = incoming.after() or 0
    waiting.with_others(lambda: jobs.has_news(id, after), incoming.wait())
    return jobs.show(id, after)


@blueprint.post("/jobs/<id>/cancel")
def cancel(id: str) -> dict[str, Any]:
    """Cancel a job that does not run yet."""
    return {"job": jobs.cancel(g.actor, id)}
