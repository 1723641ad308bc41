"""Nodes."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import Length

from pillar_service.core import labels
from pillar_service.core.errors import Invalid
from pillar_service.usecases import nodes as node_cases
from pillar_service.usecases.admin import nodes
from pillar_service.web.pages.admin.door import actor, asked, blueprint


class Labels(FlaskForm):  # type: ignore[misc]
    """A node's labels."""

    labels = TextAreaField("Labels", [Length(max=8000)])


@blueprint.get("/nodes", endpoint="nodes")
def listed() -> str:
    """All nodes."""
    filters = asked()
    return render_template("admin/nodes.html", page=nodes.listed(**filters), asked=filters)


@blueprint.get("/nodes/<id>", endpoint="node")
def show(id: str) -> str:
    """One node."""
    told = nodes.show(id)
    return render_template("admin/node.html", **told, form=_form(told), wrong=None)


def _form(told: dict[str, Any]) -> Labels:
    return Labels(formdata=None, data={"labels": labels.written(told["node"]["labels"])})


@blueprint.post("/nodes/<id>/label", endpoint="label")
def label(id: str) -> Any:
    """Set its labels, in place of those it had."""
    told, form = nodes.show(id), Labels()
    try:
        if not form.validate_on_submit():
            raise Invalid("These are too many characters.")
        node_cases.label(actor(), id, labels.read(form.labels.data or ""))
    except Invalid as error:
        return render_template("admin/node.html", **told, form=form, wrong=error.sentence), error.status
    flash("The labels are set.")
    return redirect(url_for("admin.node", id=id))
