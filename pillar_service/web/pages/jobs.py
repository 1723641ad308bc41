"""The page of a job."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user

from pillar_service.core.errors import NotFound
from pillar_service.core.jobs import commands
from pillar_service.core.people.permissions import OF_COMMAND, Act
from pillar_service.usecases.bots import bots, own_bots, transfers
from pillar_service.usecases.jobs import jobs, progress
from pillar_service.usecases.people import permissions
from pillar_service.web.pages.live import live
from pillar_service.web.pages.once import sent_key
from pillar_service.web.signing import login_required

blueprint = Blueprint("jobs", __name__, url_prefix="/my")  # /jobs/<id> belongs to the API


def _told(id: str, before: str | None = None) -> dict[str, Any]:
    """A job as its page shows it. Raises unless the person may see its bot, which may be deleted by now."""
    told = progress.shown(current_user.id, id, before)
    job = told["job"]
    bot, may = permissions.allowed(current_user.id, Act.SEE, job["bot"], deleted=True)
    return {
        **told,
        "before": before,
        "bot": bots.described([bot])[0],
        "may": may,
        "again": commands.again(job["command"]),
        "needs": OF_COMMAND,
        "stays": job["command"] in commands.WISHES,
        "has_tar": _has_tar(job),
    }


def _has_tar(job: dict[str, Any]) -> bool:
    try:
        return job["command"] == "bots.export" and bool(transfers.export_of(job["bot"], job["id"]))
    except NotFound:
        return False


@blueprint.get("/jobs/<id>")
@login_required
def show(id: str) -> str:
    """Show a job with its last lines, or with those before ``?before=``."""
    return render_template("job.html", **_told(id, request.args.get("before")))


@blueprint.get("/jobs/<id>/live")
@live
def part(id: str) -> Any:
    """The part of a job's page that renews itself; 204 if nothing changed since ``?seen=``."""
    if not progress.has_news(current_user.id, id, request.args.get("seen")):
        return "", 204
    return render_template("job_part.html", **_told(id))


@blueprint.post("/jobs/<id>/again")
@login_required
def again(id: str) -> Any:
    """Try a job again, as a new job."""
    made = own_bots.again(current_user.id, id, sent_key())
    return redirect(url_for("jobs.show", id=made["job"]["id"]))


@blueprint.post("/jobs/<id>/cancel")
@login_required
def cancel(id: str) -> Any:
    """Cancel a job that does not run yet."""
    jobs.take_back(current_user.id, id)
    return redirect(url_for("jobs.show", id=id))
