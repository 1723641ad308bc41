"""Runs, which masters carry out."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, g, request

from pillar_service.core.errors import Forbidden, SaltcellarError
from pillar_service.core.names import shown
from pillar_service.usecases.jobs import batches, claims, runs
from pillar_service.usecases.service import masters
from pillar_service.web import incoming, waiting

blueprint = Blueprint("runs", __name__)


def _itself(name: object) -> str:
    """The authenticated master's name. Raises Forbidden if the request names another: tokens have been mixed up."""
    if name is not None and name != g.master:
        raise Forbidden(f"This token belongs to the master {g.master}, but the request names {shown(name)}.")
    return str(g.master)


@blueprint.post("/jobs/claim")
def claim() -> dict[str, Any]:
    """Claim the runs that this master is to publish now. Waits for one, or for the lease (``fence``) to change hands."""
    given = incoming.body("master", "wait", "fence")
    master, wait = _itself(given.get("master")), incoming.seconds(given.get("wait", 0))
    masters.seen(master)
    nothing = {"runs": [], "fence": given.get("fence")}

    def news() -> dict[str, Any] | None:
        told = claims.claim(master) if claims.is_claimable(master) else nothing
        return told if told["runs"] or told["fence"] != nothing["fence"] else None

    return waiting.until(news, wait) or nothing


@blueprint.get("/runs")
def held() -> dict[str, Any]:
    """List the runs that this master holds."""
    return {"runs": runs.held(_itself(request.args.get("master")))}


@blueprint.post("/runs/<id>/started")
def started(id: str) -> dict[str, Any]:
    """Record that the run is about to be published with this jid."""
    runs.started(g.master, id, incoming.body("jid").get("jid"))
    return {}


@blueprint.post("/runs/started")
def all_started() -> dict[str, Any]:
    """Record that the runs are about to be published, each with its jid. Those that are refused must not be."""
    return {"refused": _problems(batches.started(g.master, incoming.body("runs").get("runs")))}


@blueprint.post("/runs/results")
def results() -> dict[str, Any]:
    """Take what nodes returned, by run."""
    return {"refused": _problems(batches.results(incoming.body("results").get("results")))}


def _problems(refused: Mapping[str, SaltcellarError]) -> dict[str, Any]:
    return {
        id: {"status": error.status, "title": error.title, "detail": error.sentence} for id, error in refused.items()
    }


@blueprint.post("/runs/<id>/lines")
def lines(id: str) -> dict[str, Any]:
    """Take lines of a run's progress."""
    runs.add_lines(g.master, id, incoming.body("lines").get("lines"))
    return {}


@blueprint.post("/runs/<id>/result")
def result(id: str) -> dict[str, Any]:
    """Take what the node returned."""
    given = incoming.body(*batches.RETURNED)
    runs.result(id, *map(given.get, batches.RETURNED))
    return {}


@blueprint.post("/runs/<id>/failed")
def failed(id: str) -> dict[str, Any]:
    """Record that the run could not be finished; the answer's ``over`` is whether the master is done with it."""
    given = incoming.body("jid", "reason", "detail")
    return {"over": runs.failed(g.master, id, given.get("reason"), given.get("detail", ""))}
