"""Jobs."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from pillar_service.core.jobs.jobs import JobState
from pillar_service.usecases.admin import jobs
from pillar_service.web.pages.admin.door import actor, asked, blueprint, person


@blueprint.get("/jobs", endpoint="jobs")
def listed() -> str:
    """List all jobs."""
    filters = asked("state", "command", "node", "bot", "account", "actor", "since", "until")
    known = {"states": list(JobState), "commands": jobs.known()}
    return render_template("admin/jobs.html", page=jobs.listed(**filters), asked=filters, **known)


@blueprint.get("/jobs/<id>", endpoint="job")
def show(id: str) -> str:
    """Show one job with its lines."""
    return render_template("admin/job.html", **jobs.show(person() or "", id, request.args.get("after", 0)))


@blueprint.post("/jobs/<id>/cancel", endpoint="cancel")
def cancel(id: str) -> Any:
    """Cancel a job that does not run yet."""
    flash(jobs.cancel(actor(), id))
    return redirect(url_for("admin.job", id=id))


@blueprint.post("/jobs/<id>/kill", endpoint="kill")
def kill(id: str) -> Any:
    """Kill a command wherever it runs."""
    jobs.kill(actor(), id)
    flash("It is being ended.")
    return redirect(url_for("admin.job", id=id))


@blueprint.post("/jobs/<id>/retry", endpoint="retry")
def retry(id: str) -> Any:
    """Ask for the same job again."""
    made = jobs.retry(actor(), person() or "", id)
    flash("Asked for again: this is the new job.")
    return redirect(url_for("admin.job", id=made["job"]["id"]))
