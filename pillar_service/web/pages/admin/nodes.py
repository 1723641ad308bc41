"""Nodes."""

from flask import render_template

from pillar_service.usecases.admin import nodes
from pillar_service.web.pages.admin.door import asked, blueprint


@blueprint.get("/nodes", endpoint="nodes")
def listed() -> str:
    """All nodes."""
    filters = asked()
    return render_template("admin/nodes.html", page=nodes.listed(**filters), asked=filters)


@blueprint.get("/nodes/<id>", endpoint="node")
def show(id: str) -> str:
    """One node."""
    return render_template("admin/node.html", **nodes.show(id))
