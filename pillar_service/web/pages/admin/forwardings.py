"""Forwardings for operators: where the events of all nodes go."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from wtforms import SelectChoice, SelectField

from pillar_service.core.errors import Conflict, Forbidden, Invalid
from pillar_service.core.events.forwarding import Way
from pillar_service.usecases.events import forwardings
from pillar_service.web.pages.admin.door import actor, blueprint, person
from pillar_service.web.pages.forwardings import MAIL, TRIED, WEBHOOK, Where, shown, switched


class Anywhere(Where):
    """Where events are to go; unlike people, operators may forward to Slack."""

    way = SelectField("How", choices=[WEBHOOK, MAIL, SelectChoice(str(Way.SLACK), "Slack: a channel's id")])


@blueprint.get("/forwardings", endpoint="forwardings")
def listed() -> str:
    """List the operators' forwardings, with a form for another."""
    return _page(Anywhere(formdata=None))


def _page(form: Anywhere, wrong: str | None = None) -> str:
    return render_template("admin/forwardings.html", rows=forwardings.listed(None), form=form, wrong=wrong)


@blueprint.post("/forwardings", endpoint="forwarding_make")
def make() -> Any:
    """Make a forwarding; a webhook's secret is shown this once."""
    form = Anywhere()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        made = forwardings.make(str(person()), None, **form.told())
    except (Invalid, Conflict, Forbidden) as error:
        return _page(form, error.sentence), error.status
    return shown(made, url_for("admin.forwardings"))


@blueprint.post("/forwardings/<id>/switch", endpoint="forwarding_switch")
def switch(id: str) -> Any:
    """Switch a forwarding on or off."""
    forwardings.switch(actor(), None, id, switched(request.form.get("state")))
    return redirect(url_for("admin.forwardings"))


@blueprint.post("/forwardings/<id>/test", endpoint="forwarding_test")
def test(id: str) -> Any:
    """Send one test event."""
    forwardings.test(actor(), None, id)
    flash(TRIED)
    return redirect(url_for("admin.forwardings"))


@blueprint.post("/forwardings/<id>/remove", endpoint="forwarding_remove")
def remove(id: str) -> Any:
    """Remove a forwarding."""
    forwardings.remove(actor(), None, id)
    flash("No events go there any more.")
    return redirect(url_for("admin.forwardings"))
