"""Signing in and out."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import NotFound, Unauthenticated
from pillar_service.usecases.people import accounts, second_factor
from pillar_service.web import signing
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("sign_in", __name__)


class SignIn(Form):
    """The form: e-mail address and password."""

    email = EmailField("E-mail address", [InputRequired("Enter your e-mail address."), Length(max=400)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=1000)])


class Code(Form):
    """The second step: a code."""

    code = StringField("Code", [InputRequired("Enter the code your phone shows."), Length(max=100)])


@blueprint.get("/sign-in")
def form() -> Any:
    """Show the form; whoever is signed in is sent on."""
    return signing.there(request.args.get("next")) if current_user.is_authenticated else _page(SignIn())


@blueprint.post("/sign-in")
def sign_in() -> Any:
    """Sign in, then go to the page that the person wanted."""
    asked = SignIn()
    if not asked.validate_on_submit():
        return _page(asked), 422
    try:
        proof = accounts.sign_in(asked.email.data, asked.password.data, signing.address())
        return signing.go_on(proof, request.args.get("next"))
    except Unauthenticated as error:
        return _page(asked, error.sentence), 401


def _page(asked: SignIn, wrong: str | None = None) -> str:
    return render_template("sign_in.html", form=asked, wrong=wrong)


@blueprint.get("/sign-in/code")
def code() -> Any:
    """Show the form of the second step, after the first."""
    if "second_step" not in session:
        return redirect(url_for("sign_in.form"))
    return render_template("sign_in_code.html", form=Code())


@blueprint.post("/sign-in/code")
def second_step() -> Any:
    """Sign in with the code."""
    asked = Code()
    if not asked.validate_on_submit():
        return render_template("sign_in_code.html", form=asked), 422
    try:
        proof = second_factor.second_step(session.get("second_step"), asked.code.data)
    except Unauthenticated as error:
        return render_template("sign_in_code.html", form=asked, wrong=error.sentence), 401
    except NotFound as error:
        session.pop("second_step", None)
        return _page(SignIn(formdata=None), error.sentence), 401
    signing.enter(proof.account, proof)
    return signing.there(request.args.get("next"))


@blueprint.post("/sign-out")
@login_required
def sign_out() -> Response:
    """Sign out."""
    signing.leave()
    return redirect(url_for("landing.landing"))
