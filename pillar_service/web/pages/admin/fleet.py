"""Charts of the fleet."""

from flask import render_template, request

from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.people.agents import Actual
from pillar_service.usecases.nodes import fleet
from pillar_service.web.pages.admin import charts
from pillar_service.web.pages.admin.door import blueprint

BOTS = [str(state) for state in (Actual.ALIVE, Actual.STOPPED, Actual.PROVISIONING, Actual.SICK, Actual.LOST)]
JOBS = [
    str(state) for state in (JobState.SUCCEEDED, JobState.CANCELLED, JobState.FAILED, JobState.TIMED_OUT, JobState.LOST)
]


@blueprint.get("/fleet", endpoint="fleet")
def show() -> str:
    """Show bots by state and jobs by result over time, and memory and disk by node."""
    told = fleet.over_time(request.args.get("days", 1))
    carried = fleet.carried()
    return render_template(
        "admin/fleet.html",
        days=told["days"],
        spans=list(fleet.SPANS),
        bots=charts.stacked(told["bots"], BOTS),
        jobs=charts.stacked(told["jobs"], JOBS),
        memory=charts.across(carried, "memory_bytes", "limit_bytes"),
        disk=charts.across(carried, "disk_bytes"),
        carried=carried,
    )
