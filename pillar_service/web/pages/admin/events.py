"""Events of nodes, and their last report on each bot."""

from flask import render_template

from pillar_service.core.events.events import Kind, Severity
from pillar_service.core.people.agents import Actual
from pillar_service.usecases.admin import events
from pillar_service.web.pages.admin.door import asked, blueprint

SEVERITIES = [one.name.lower() for one in Severity]


@blueprint.get("/events", endpoint="events")
def listed() -> str:
    """List the events of all nodes."""
    filters = asked("node", "kind", "type", "severity", "since", "until")
    page, known = events.listed(**filters), {"kinds": list(Kind), "severities": SEVERITIES}
    return render_template("admin/events.html", page=page, asked=filters, **known)


@blueprint.get("/reports", endpoint="reports")
def reports() -> str:
    """List the last report on each bot."""
    filters = asked("state", "node", "bot", "since", "until")
    return render_template("admin/reports.html", page=events.reports(**filters), asked=filters, states=list(Actual))
