"""The page of a job."""

from flask import Blueprint, render_template
from flask_login import login_required

from pillar_service.usecases import jobs
from pillar_service.web.pages.bots import visible

blueprint = Blueprint("jobs", __name__, url_prefix="/my")  # /jobs/<id> itself is the API's


@blueprint.get("/jobs/<id>")
@login_required  # type: ignore[untyped-decorator]
def show(id: str) -> str:
    """How a job goes; the page loads itself again until it is over."""
    told = jobs.show(id)
    bot = visible(told["job"]["bot"])
    return render_template("job.html", bot=bot, job=told["job"], lines=told["lines"])
