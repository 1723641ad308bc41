"""The way in for newcomers: e-mail address and password, a name, the link in the mail, the first bot."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Conflict, Invalid, NotFound, SaltcellarError, Unauthenticated
from pillar_service.core.payments.payments import ProviderName
from pillar_service.settings import settings
from pillar_service.usecases.people import mails, sign_up
from pillar_service.usecases.people.sign_up import Made
from pillar_service.web import signing
from pillar_service.web.pages.forms import Form
from pillar_service.web.pages.sign_in import SignIn

blueprint = Blueprint("start", __name__)


class Newbie(Form):
    """The newcomer's name, and the name of the first bot."""

    name = StringField("Your name", [InputRequired("Enter your name."), Length(max=200)])
    bot = StringField("The name of your first bot", [Length(max=200)])


class Welcome(Form):
    """The name of the first bot, and the password again."""

    bot = StringField("The name of your first bot", [Length(max=200)])
    password = PasswordField("The password you chose", [Length(max=1000)])


@blueprint.get("/start")
def form() -> Any:
    """Show the form; whoever is signed in is sent on."""
    return signing.there(request.args.get("next")) if current_user.is_authenticated else _page("start.html", SignIn())


@blueprint.post("/start")
def start() -> Any:
    """Sign known people in; ask newcomers for more."""
    asked = SignIn()
    if not asked.validate_on_submit():
        return _page("start.html", asked), 422
    try:
        found = sign_up.start(asked.email.data, asked.password.data, signing.address())
    except Invalid as error:
        return _page("start.html", asked, error)
    if "account" in found:
        return signing.go_on(found["account"], request.args.get("next"))
    session["newbie"], session["then"] = found["newbie"], signing.inside(request.args.get("next")) or ""
    return redirect(url_for("start.newbie"))


def _page(template: str, asked: Form, wrong: SaltcellarError | None = None, **more: Any) -> Any:
    shown = render_template(template, form=asked, wrong=wrong.sentence if wrong else None, settings=settings(), **more)
    return (shown, wrong.status) if wrong else shown


@blueprint.get("/newbie")
def newbie() -> Any:
    """Welcome a newcomer: ask for their name and that of the first bot, and show the price."""
    try:
        return _page("newbie.html", Newbie(), email=sign_up.begun(session.get("newbie")), joins=_joins(_then()))
    except NotFound:
        return redirect(url_for("start.form"))


def _then() -> str:
    return str(session.get("then", ""))


def _joins(then: str) -> bool:
    return then.startswith(sign_up.JOIN)


@blueprint.post("/newbie")
def ask() -> Any:
    """Mail the link with which to go on; if no mail is set up, make the account and pour the bot at once."""
    asked, then = Newbie(), _then()
    told = {"email": sign_up.begun(session.get("newbie")), "joins": _joins(then)}
    if not asked.validate_on_submit():
        return _page("newbie.html", asked, **told), 422
    try:
        made = sign_up.ask(session.get("newbie"), asked.name.data, asked.bot.data, signing.address(), then)
    except (Invalid, Conflict) as error:
        return _page("newbie.html", asked, error, **told)
    if made is None:
        return redirect(url_for("start.mailed"))
    return _in(made, then)


def _in(made: Made, then: str) -> Any:
    signing.enter(made.account)
    if made.refused:
        flash(f"Your account is made, but your bot could not be poured. {made.refused}")
    if signing.inside(then):
        return redirect(then)
    pays = settings().payments == ProviderName.STRIPE and settings().price_cents and not made.refused
    return redirect(url_for("payments.show" if pays else "bots.listed"))


@blueprint.get("/mailed")
def mailed() -> str:
    """Say that a mail is on its way."""
    return render_template("mailed.html", has_mailbox=mails.mailbox() is not None)


@blueprint.get("/welcome/<token>")
def welcome(token: str) -> Any:
    """The page that the link in the mail opens. It changes nothing yet: programs open links, too."""
    told = sign_up.invited(token, session.get("newbie"))
    return _page("welcome.html", Welcome(data={"bot": told["bot"]}), told=told, token=token)


@blueprint.post("/welcome/<token>")
def finish(token: str) -> Any:
    """Make the account and pour the bot."""
    asked, told = Welcome(), sign_up.invited(token, session.get("newbie"))
    if not asked.validate_on_submit():
        return _page("welcome.html", asked, told=told, token=token), 422
    try:
        made = sign_up.finish(token, asked.bot.data, asked.password.data or "", session.get("newbie"))
    except (Invalid, Conflict, Unauthenticated) as error:
        return _page("welcome.html", asked, error, told=told, token=token)
    return _in(made, told["then"])
