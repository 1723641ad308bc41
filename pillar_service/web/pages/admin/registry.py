"""The registry: the facts that nodes report about themselves, and how they changed."""

from flask import render_template

from pillar_service.usecases.nodes import facts
from pillar_service.web import incoming
from pillar_service.web.pages.admin.door import asked, blueprint


@blueprint.get("/registry", endpoint="registry")
def listed() -> str:
    """List all nodes."""
    filters = asked()
    return render_template("admin/registry.html", page=facts.listed(None, **filters), asked=filters)


@blueprint.get("/nodes/<id>/facts", endpoint="facts")
def show(id: str) -> str:
    """Show one node's facts."""
    return render_template("admin/facts.html", **facts.show(None, id, incoming.before()))
