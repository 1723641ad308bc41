"""Signing in and out."""

import hmac
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_login import UserMixin, current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Unauthenticated
from pillar_service.usecases import accounts

blueprint = Blueprint("sign_in", __name__)


class Person(UserMixin):  # type: ignore[misc]
    """Who is signed in. The cookie also carries a mark that changes with the password."""

    def __init__(self, id: str, mark: str) -> None:
        self.id, self.mark = id, mark

    def get_id(self) -> str:
        return f"{self.id}:{self.mark}"


def person(carried: str) -> Person | None:
    """Who a session's cookie stands for, or None."""
    id, _, mark = carried.partition(":")
    now = accounts.session_of(id)
    return Person(id, now) if now and hmac.compare_digest(now.encode(), mark.encode()) else None


class SignIn(FlaskForm):  # type: ignore[misc]
    """The form."""

    email = EmailField("E-mail address", [InputRequired("Write your e-mail address."), Length(max=400)])
    password = PasswordField("Password", [InputRequired("Write your password."), Length(max=1000)])


@blueprint.get("/sign-in")
def form() -> Any:
    """The form, for who is not signed in."""
    return redirect(url_for("bots.listed")) if current_user.is_authenticated else _page(SignIn())


@blueprint.post("/sign-in")
def sign_in() -> Any:
    """Sign in, then go where the person wanted to."""
    asked = SignIn()
    if not asked.validate_on_submit():
        return _page(asked), 422
    try:
        id = accounts.sign_in(asked.email.data, asked.password.data, request.remote_addr or "")
    except Unauthenticated as error:
        return _page(asked, error.sentence), 401
    found = accounts.session_of(id)
    session.clear()
    session.permanent = True
    login_user(Person(id, found or ""))
    return redirect(_inside(request.args.get("next")) or url_for("bots.listed"))


def _inside(path: str | None) -> str | None:
    """The path, if it stays on this site: '//elsewhere' and '/\\elsewhere' would leave it."""
    stays = path and path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if stays else None


def _page(asked: SignIn, wrong: str | None = None) -> str:
    return render_template("sign_in.html", form=asked, wrong=wrong)


@blueprint.post("/sign-out")
@login_required  # type: ignore[untyped-decorator]
def sign_out() -> Response:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("landing.landing"))
