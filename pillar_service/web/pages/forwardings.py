"""A person's forwardings: list them, make one, test it, switch it on and off, remove it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import Length

from pillar_service.core.addresses import LONGEST_URL
from pillar_service.core.errors import Conflict, Forbidden, Invalid
from pillar_service.core.events.events import Kind, Severity
from pillar_service.core.events.forwarding import Way
from pillar_service.usecases.events import forwardings
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("forwardings", __name__)

WEBHOOK = SelectChoice(str(Way.WEBHOOK), "webhook")
MAIL = SelectChoice(str(Way.MAIL), "mail to your own address")
SEVERITIES = [SelectChoice(one.name.lower()) for one in Severity]
TRIED = "A test event is on its way: reload this page to see how it went."


class Where(Form):
    """Where events are to go, and which."""

    way = SelectField("How", choices=[WEBHOOK, MAIL])
    address = StringField("Address", [Length(max=LONGEST_URL)])
    node = StringField("Node", [Length(max=200)])
    kind = SelectField("Kind", choices=[SelectChoice("", "all"), *map(SelectChoice, map(str, Kind))])
    type = StringField("Type", [Length(max=200)])
    severity = SelectField("At least this severe", choices=SEVERITIES)

    def told(self) -> dict[str, Any]:
        """The fields, as the use case takes them."""
        asked = {name: (self[name].data or "").strip() for name in ("node", "kind", "type", "severity")}
        return {"way": self.way.data, "address": (self.address.data or "").strip(), **asked}


@blueprint.get("/account/forwardings")
@login_required
def listed() -> str:
    """List the person's forwardings, with a form for another."""
    return _page(Where(formdata=None))


def _page(form: Where, wrong: str | None = None) -> str:
    return render_template("forwardings.html", rows=forwardings.listed(current_user.id), form=form, wrong=wrong)


@blueprint.post("/account/forwardings")
@login_required
def make() -> Any:
    """Make a forwarding; a webhook's secret is shown this once."""
    form = Where()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        made = forwardings.make(current_user.id, current_user.id, **form.told())
    except (Invalid, Conflict, Forbidden) as error:
        return _page(form, error.sentence), error.status
    return shown(made, url_for("forwardings.listed"))


def shown(made: dict[str, Any], back: str) -> Any:
    """The answer after a forwarding was made: its secret, or, if it has none, the list."""
    if made["secret"] is None:
        flash("From now on events go there.")
        return redirect(back)
    return render_template("forwarding_made.html", made=made, back=back)


def switched(form_state: str | None) -> bool:
    """Whether the form's button says on. Raises Invalid for anything but on or off."""
    if form_state in ("on", "off"):
        return form_state == "on"
    raise Invalid("Say 'on' or 'off'.")


@blueprint.post("/account/forwardings/<id>/switch")
@login_required
def switch(id: str) -> Any:
    """Switch a forwarding on or off."""
    is_on = switched(request.form.get("state"))
    forwardings.switch(f"account:{current_user.id}", current_user.id, id, is_on)
    flash("It is on: events continue where they stopped." if is_on else "It is off: events wait.")
    return redirect(url_for("forwardings.listed"))


@blueprint.post("/account/forwardings/<id>/test")
@login_required
def test(id: str) -> Any:
    """Send one test event."""
    forwardings.test(f"account:{current_user.id}", current_user.id, id)
    flash(TRIED)
    return redirect(url_for("forwardings.listed"))


@blueprint.post("/account/forwardings/<id>/remove")
@login_required
def remove(id: str) -> Any:
    """Remove a forwarding."""
    forwardings.remove(f"account:{current_user.id}", current_user.id, id)
    flash("No events go there any more.")
    return redirect(url_for("forwardings.listed"))
