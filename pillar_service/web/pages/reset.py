"""Resetting a forgotten password."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Conflict, Invalid
from pillar_service.usecases.people import resetting
from pillar_service.web import signing
from pillar_service.web.pages.forms import Form

blueprint = Blueprint("reset", __name__)


class Forgotten(Form):
    """The e-mail address of the account."""

    email = EmailField("E-mail address", [InputRequired("Enter your e-mail address."), Length(max=400)])


class Reset(Form):
    """A new password."""

    password = PasswordField("New password", [InputRequired("Enter a new password."), Length(max=1000)])


@blueprint.get("/forgotten")
def form() -> str:
    """Show the form."""
    return render_template("forgotten.html", form=Forgotten())


@blueprint.post("/forgotten")
def ask() -> Any:
    """Mail a link if there is such an account; the answer is the same if not."""
    asked, wrong = Forgotten(), None
    if asked.validate_on_submit():
        try:
            resetting.ask(asked.email.data, signing.address())
            return redirect(url_for("start.mailed"))
        except (Invalid, Conflict) as error:
            wrong = error.sentence
    return render_template("forgotten.html", form=asked, wrong=wrong), 422


@blueprint.get("/reset/<token>")
def show(token: str) -> str:
    """The page that the link opens."""
    resetting.look(token)
    return render_template("reset.html", form=Reset(), token=token)


@blueprint.post("/reset/<token>")
def reset(token: str) -> Any:
    """Set the password; all sessions end."""
    asked, wrong = Reset(), None
    if asked.validate_on_submit():
        try:
            ended = resetting.reset(token, asked.password.data)
            flash(f"Your password was changed. Sign in with it. {ended}")
            return redirect(url_for("sign_in.form"))
        except Invalid as error:
            wrong = error.sentence
    return render_template("reset.html", form=asked, wrong=wrong, token=token), 422
