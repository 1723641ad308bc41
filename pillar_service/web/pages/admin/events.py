"""Events: what nodes reported."""

from flask import render_template

from pillar_service.core.agents import Actual
from pillar_service.usecases.admin import events
from pillar_service.web.pages.admin.door import asked, blueprint


@blueprint.get("/events", endpoint="events")
def listed() -> str:
    """The last report on each bot."""
    filters = asked("state", "node", "bot", "since", "until")
    return render_template("admin/events.html", page=events.listed(**filters), asked=filters, states=list(Actual))
