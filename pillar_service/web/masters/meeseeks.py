"""Commands of the catalogue, for operators at a master, who may do everything."""

from typing import Any

from flask import Blueprint, g, request

from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import selectors
from pillar_service.usecases.meeseeks import asking, catalogue, describing, explaining, looking, stopping
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.web import incoming, waiting

blueprint = Blueprint("meeseeks", __name__, url_prefix="/meeseeks")


def _operator() -> Asker:
    return Asker(g.actor)


@blueprint.get("/commands")
def commands() -> dict[str, Any]:
    """List all commands, and say what is wrong with the catalogue's files, if anything is."""
    return {"commands": describing.commands(asking.tasks(_operator())), "fault": catalogue.fault()}


@blueprint.post("/reload")
def reload() -> dict[str, Any]:
    """Read the catalogue's files now."""
    return catalogue.reload(g.actor)


@blueprint.post("/run")
def run() -> tuple[dict[str, Any], int]:
    """Ask for a command on the nodes that a selector matches; with `preview`, only tell what would run."""
    given = incoming.body("command", "arguments", "selector", "preview")
    arguments = given.get("arguments") or {}
    if not isinstance(arguments, dict):
        raise Invalid('The arguments must be an object such as {"lines": 20}.')
    chosen = selectors.parse(given.get("selector") or "")
    wanted = asking.wish(_operator(), given.get("command"), arguments, chosen)
    if given.get("preview"):
        return {"preview": describing.wish(wanted)}, 200
    return asking.ask(_operator(), wanted, incoming.key()), 201


@blueprint.get("/jobs")
def jobs() -> dict[str, Any]:
    """List the newest jobs of commands, of everybody or of one actor."""
    return {"jobs": looking.listed(_operator(), request.args.get("actor", ""))}


@blueprint.get("/jobs/<id>")
def show(id: str) -> dict[str, Any]:
    """Show a job with its parts and lines. Waits for news, unless too many wait already."""
    operator, after = _operator(), incoming.after() or 0
    job = looking.found(operator, id)
    waiting.with_others(lambda: looking.has_news(job.id, after), incoming.wait())
    return looking.show(operator, job.id, after)


@blueprint.post("/jobs/<id>/cancel")
def cancel(id: str) -> dict[str, Any]:
    """Cancel the parts of a job that do not run yet."""
    return {"job": stopping.cancel(_operator(), id)}


@blueprint.post("/jobs/<id>/kill")
def kill(id: str) -> dict[str, Any]:
    """Kill a job wherever it runs."""
    return {"jobs": stopping.kill(_operator(), id, bool(incoming.body("force").get("force")))}


@blueprint.post("/can")
def can() -> dict[str, Any]:
    """Say whether a user may run a command, on which nodes, and why, one line each."""
    given = incoming.body("user", "line", "channel", "selector")
    return explaining.can(given.get("user"), given.get("line"), given.get("channel"), given.get("selector"))
