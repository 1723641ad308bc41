"""The second factor of the person who is signed in."""

import io
from typing import Any

import segno
from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask_login import current_user

from pillar_service.core.errors import Conflict, SaltcellarError, Unauthenticated
from pillar_service.usecases.people import second_factor
from pillar_service.web.pages.confirm import MustConfirm
from pillar_service.web.pages.forms import Form
from pillar_service.web.pages.sign_in import Code
from pillar_service.web.signing import login_required

blueprint = Blueprint("second_factor", __name__)


def _page(form: Form, wrong: SaltcellarError | None = None, first: Code | None = None) -> Any:
    told, pending = second_factor.told(current_user.id), second_factor.pending(current_user.id)
    sentence = wrong.sentence if wrong else None
    status = wrong.status if wrong else 422 if form.errors or first else 200
    first = first or (Code(formdata=None) if pending else None)
    page = render_template("second_factor.html", told=told, pending=pending, form=form, first=first, wrong=sentence)
    return page, status


@blueprint.get("/account/second-factor")
@login_required
def show() -> Any:
    """Show whether the second factor is on, and what can be done."""
    return _page(MustConfirm(formdata=None))


@blueprint.post("/account/second-factor/begin")
@login_required
def begin() -> Any:
    """Make a secret, to be shown until the first code comes."""
    asked = MustConfirm()
    if not asked.validate_on_submit():
        return _page(asked)
    try:
        second_factor.begin(current_user.id, asked.password.data)
    except (Unauthenticated, Conflict) as error:
        return _page(asked, error)
    return redirect(url_for("second_factor.show"))


@blueprint.get("/account/second-factor/qr.svg")
@login_required
def qr() -> Response:
    """The secret as a QR code, until the first code comes."""
    pending = second_factor.pending(current_user.id)
    if pending is None:
        abort(404)
    drawn = io.BytesIO()
    segno.make(pending["uri"], error="m").save(drawn, kind="svg", scale=5, border=4, light="#fff", xmldecl=False)
    return Response(drawn.getvalue(), mimetype="image/svg+xml")


@blueprint.post("/account/second-factor/on")
@login_required
def turn_on() -> Any:
    """Turn the second factor on with the first code; the recovery codes are shown this once."""
    asked = Code()
    if not asked.validate_on_submit():
        return _page(MustConfirm(formdata=None), first=asked)
    try:
        return render_template("recovery_codes.html", codes=second_factor.turn_on(current_user.id, asked.code.data))
    except (Unauthenticated, Conflict) as error:
        return _page(MustConfirm(formdata=None), error)


@blueprint.post("/account/second-factor/renew")
@login_required
def renew() -> Any:
    """Make new recovery codes."""
    asked = MustConfirm()
    if not asked.validate_on_submit():
        return _page(asked)
    try:
        codes = second_factor.renew(current_user.id, asked.password.data, asked.code.data)
    except (Unauthenticated, Conflict) as error:
        return _page(asked, error)
    return render_template("recovery_codes.html", codes=codes)


@blueprint.post("/account/second-factor/off")
@login_required
def turn_off() -> Any:
    """Turn the second factor off."""
    asked = MustConfirm()
    if not asked.validate_on_submit():
        return _page(asked)
    try:
        second_factor.turn_off(current_user.id, asked.password.data, asked.code.data)
    except Unauthenticated as error:
        return _page(asked, error)
    flash("The second factor is off.")
    return redirect(url_for("account.show"))
