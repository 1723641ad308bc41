"""The page of a person's own account."""

import json
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from flask_login import current_user
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Conflict, Invalid, SaltcellarError, Unauthenticated
from pillar_service.usecases.meeseeks import people
from pillar_service.usecases.people import accounts, leaving, mails, profile, second_factor, sessions, tokens
from pillar_service.web import signing
from pillar_service.web.pages.confirm import MustConfirm
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("account", __name__)


class Name(Form):
    """The person's name."""

    name = StringField("Name", [InputRequired("Enter your name."), Length(max=200)])


class Email(MustConfirm):
    """The person's e-mail address."""

    email = EmailField("E-mail address", [InputRequired("Enter an e-mail address."), Length(max=400)])


class Password(MustConfirm):
    """A new password."""

    new = PasswordField("New password", [InputRequired("Enter a new password."), Length(max=1000)])


class Delete(MustConfirm):
    """Deletion of the account, confirmed by its e-mail address."""

    email = EmailField("Type your e-mail address", [InputRequired("Enter your e-mail address."), Length(max=400)])


FORMS = {"name": Name, "email": Email, "password": Password, "delete": Delete}


def _page(wrong: SaltcellarError | None = None, **given: Form) -> Any:
    account = accounts.show(current_user.id)
    told = {"name": {"name": account["name"]}, "email": {"email": account["email"]}}
    forms = {key: kind(None, prefix=f"{key}-", data=told.get(key)) for key, kind in FORMS.items()} | given
    page = render_template(
        "account.html",
        account=account,
        forms=forms,
        sent=next(iter(given), None),
        has_mail=mails.is_set_up(),
        goes=leaving.goes(current_user.id),
        wrong=dict.fromkeys(given, wrong.sentence) if wrong else {},
        factor=second_factor.told(current_user.id),
        tokens=tokens.listed(current_user.id),
        chat=people.listed(current_user.id),
        sessions=sessions.listed(current_user.id, current_user.session),
    )
    status = wrong.status if wrong else 422 if given else 200
    return make_response(page, status)


@blueprint.get("/account")
@login_required
def show() -> Any:
    """Show name, e-mail address, password, second factor, tokens, sessions, data and deletion."""
    return _page()


@blueprint.post("/account/name")
@login_required
def rename() -> Any:
    """Change the person's name."""
    asked = Name(prefix="name-")
    if not asked.validate_on_submit():
        return _page(name=asked)
    try:
        profile.rename(current_user.id, asked.name.data)
    except Invalid as error:
        return _page(error, name=asked)
    flash("Your name was changed.")
    return redirect(url_for("account.show"))


@blueprint.post("/account/email")
@login_required
def change_email() -> Any:
    """Change or verify the e-mail address: a link is mailed to it."""
    asked = Email(prefix="email-")
    if not asked.validate_on_submit():
        return _page(email=asked)
    given = (asked.password.data, asked.code.data, asked.email.data, signing.address())
    try:
        is_sent = profile.ask_email(current_user.id, *given)
    except (Invalid, Unauthenticated, Conflict) as error:
        return _page(error, email=asked)
    flash("Check that mailbox and open the link in the mail." if is_sent else "Your address was changed.")
    return redirect(url_for("account.show"))


@blueprint.get("/verify/<token>")
@login_required
def verify(token: str) -> str:
    """The page that the link opens. It changes nothing yet: programs open links, too."""
    return render_template("verify.html", email=profile.asked_email(current_user.id, token), form=Form(), token=token)


@blueprint.post("/verify/<token>")
@login_required
def verified(token: str) -> Any:
    """Verify the e-mail address, and make it the account's."""
    flash(f"Your address is {profile.verify_email(current_user.id, token)}.")
    return redirect(url_for("account.show"))


@blueprint.post("/account/password")
@login_required
def change_password() -> Any:
    """Change the password; this browser gets a new session, and all other sessions end."""
    asked = Password(prefix="password-")
    if not asked.validate_on_submit():
        return _page(password=asked)
    try:
        stay = profile.change_password(
            current_user.id, asked.password.data, asked.code.data, asked.new.data, current_user.session
        )
    except (Invalid, Unauthenticated) as error:
        return _page(error, password=asked)
    signing.enter(current_user.id)
    flash(f"Your password was changed. All other sessions were ended. {stay}")
    return redirect(url_for("account.show"))


@blueprint.post("/account/sessions/<id>/end")
@login_required
def end_session(id: str) -> Any:
    """End one session."""
    sessions.end(current_user.id, id)
    return redirect(url_for("account.show"))


@blueprint.post("/account/sessions/end")
@login_required
def end_sessions() -> Any:
    """End all sessions except this one."""
    flash(f"Sessions ended: {sessions.end_others(current_user.id, current_user.session)}.")
    return redirect(url_for("account.show"))


@blueprint.get("/account/data")
@login_required
def data() -> Response:
    """Send everything that is stored about the person as a file."""
    answer = Response(json.dumps(leaving.data(current_user.id), indent=2), mimetype="application/json")
    answer.headers["Content-Disposition"] = "attachment; filename=saltcellar.json"
    return answer


@blueprint.post("/account/delete")
@login_required
def delete() -> Any:
    """Delete the account."""
    asked = Delete(prefix="delete-")
    if not asked.validate_on_submit():
        return _page(delete=asked)
    try:
        leaving.delete(current_user.id, asked.email.data, asked.password.data, asked.code.data)
    except (Invalid, Unauthenticated, Conflict) as error:
        return _page(error, delete=asked)
    signing.forget()
    flash("Your account was deleted.")
    return redirect(url_for("landing.landing"))
