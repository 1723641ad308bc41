"""The configuration of an account's nodes: all keys, one key with its history, setting and deleting."""

import json
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Changed, Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.nodes.configuration import LONGEST_KEY
from pillar_service.usecases.nodes import configuration, governors
from pillar_service.web import incoming
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("configuration", __name__)

LONGEST_TEXT = 32 << 10


class Setting(Form):
    """A key and its value; ``revision`` is the key's when the page was drawn."""

    key = StringField("Key", [InputRequired("Enter the key."), Length(max=LONGEST_KEY)])
    value = TextAreaField("Value, as JSON", [InputRequired("Enter the value."), Length(max=LONGEST_TEXT)])
    revision = HiddenField(default="0")

    def read(self) -> Any:
        """The value. Raises Invalid for what is no JSON."""
        try:
            return json.loads(self.value.data)
        except (ValueError, RecursionError) as error:
            raise Invalid('The value is not JSON: put text in double quotes, as in "once an hour".') from error


def _number(written: str | None) -> int:
    return int(written) if written and written.isascii() and written.isdigit() and len(written) < 19 else 0


def _all(form: Setting, wrong: str | None = None) -> str:
    told = {"told": configuration.listed(current_user.id), "governors": governors.listed(current_user.id)}
    changes = configuration.history(current_user.id, before=incoming.before())
    return render_template("configuration.html", **told, changes=changes, form=form, wrong=wrong)


def _one(key: str, form: Setting | None = None, wrong: str | None = None) -> str:
    stands = configuration.show(current_user.id, key)
    if form is None:
        written = json.dumps(stands["value"], indent=2, ensure_ascii=False)
        form = Setting(formdata=None, key=key, value=written)
    form.revision.data = str(stands["revision"])
    changes = configuration.history(current_user.id, key, incoming.before())
    return render_template("configuration_key.html", stands=stands, changes=changes, form=form, wrong=wrong)


@blueprint.get("/account/configuration")
@login_required
def listed() -> str:
    """List all keys and their changes, with a form for another key."""
    return _all(Setting(formdata=None))


@blueprint.get("/account/configuration/<path:key>")
@login_required
def show(key: str) -> str:
    """Show one key and its changes, with a form to set it."""
    return _one(key)


@blueprint.post("/account/configuration")
@login_required
def put() -> Any:
    """Set a key, unless it was changed since the page was drawn."""
    form = Setting()
    before = _number(form.revision.data)
    if not form.validate_on_submit():
        return _again(form, before, None), 422
    try:
        key = form.key.data.strip()
        told = configuration.set(f"account:{current_user.id}", current_user.id, key, form.read(), before)
    except (Changed, Conflict, Forbidden, Invalid) as error:
        return _again(form, before, error.sentence), error.status
    flash(f"{told['key']} is set: your nodes get it in a moment.")
    return redirect(url_for("configuration.listed"))


def _again(form: Setting, before: int, wrong: str | None) -> str:
    """The page with the form, filled in as it was sent, but with the current revision."""
    try:
        if before:
            return _one(form.key.data or "", form, wrong)
    except NotFound:  # somebody deleted the key meanwhile: keep what was typed
        form.revision.data = "0"
    return _all(form, wrong)


@blueprint.post("/account/configuration/delete")
@login_required
def delete() -> Any:
    """Delete a key, unless it was changed since the page was drawn."""
    key, before = request.form.get("key", ""), _number(request.form.get("revision"))
    try:
        configuration.delete(f"account:{current_user.id}", current_user.id, key, before)
    except Changed as error:
        return _all(Setting(formdata=None), error.sentence), error.status
    flash(f"{key} is deleted.")
    return redirect(url_for("configuration.listed"))
