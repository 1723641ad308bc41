"""How nodes stand, and the events of each."""

from flask import render_template, request

from pillar_service.usecases.events import stories
from pillar_service.usecases.nodes import standings
from pillar_service.web.pages.admin.door import asked, blueprint


@blueprint.get("/standings", endpoint="standings")
def listed() -> str:
    """List all nodes: last heard of, lag, waiting events, gaps, clocks, versions."""
    filters = asked()
    return render_template("admin/standings.html", page=standings.listed(**filters), asked=filters)


@blueprint.get("/nodes/<id>/story", endpoint="story")
def show(id: str) -> str:
    """Show a node's events in the order in which it sent them."""
    return render_template("admin/story.html", **stories.story(None, id, request.args.get("before", "")))
