"""The tab of a bot's people."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from wtforms import EmailField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Invalid, TooMany
from pillar_service.core.people.agents import Belonging
from pillar_service.core.people.permissions import Act
from pillar_service.usecases.people import sharing
from pillar_service.web.pages.bots import visible
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("people", __name__)


class Invitation(Form):
    """Whom to invite."""

    email = EmailField("E-mail address", [InputRequired("Enter the address."), Length(max=400)])


class HandOver(Form):
    """Whom to hand the bot over to."""

    to = SelectField("To", validate_choice=False)
    typed = StringField("Type the bot's name", [InputRequired("Type the bot's name."), Length(max=100)])


def _page(
    bot: dict[str, Any],
    invitation: Invitation | None = None,
    hand_over: HandOver | None = None,
    address: str | None = None,
) -> str:
    told = sharing.people(current_user.id, bot["id"])
    giving = hand_over or HandOver()
    giving.to.choices = [
        SelectChoice(one["id"], f"{one['name']} ({one['email']})")
        for one in told["people"]
        if one["role"] == Belonging.MEMBER
    ]
    asked = invitation or Invitation()
    return render_template("people.html", bot=bot, told=told, invitation=asked, hand_over=giving, join_address=address)


def _back(bot: str, said: str) -> Any:
    flash(said)
    return redirect(url_for("people.show", name=bot))


@blueprint.get("/bots/<name>/people")
@login_required
def show(name: str) -> str:
    """Show who belongs to the bot, and what the person may change about that."""
    return _page(visible(name))


@blueprint.post("/bots/<name>/people/invite")
@login_required
def invite(name: str) -> Any:
    """Invite somebody by mail."""
    bot, asked = visible(name, Act.SHARE), Invitation()
    if not asked.validate_on_submit():
        return _page(bot, invitation=asked), 422
    try:
        address = sharing.invite(current_user.id, name, asked.email.data)
    except (Invalid, TooMany) as error:
        asked.email.errors = [error.sentence]
        return _page(bot, invitation=asked), error.status
    if address is not None:
        return _page(bot, invitation=Invitation(formdata=None), address=address)
    return _back(name, f"An invitation is on its way to {asked.email.data}.")


@blueprint.post("/bots/<name>/people/invitations/<id>/withdraw")
@login_required
def withdraw(name: str, id: str) -> Any:
    """Withdraw an invitation."""
    sharing.withdraw(current_user.id, name, id)
    return _back(name, "The invitation no longer works.")


@blueprint.post("/bots/<name>/people/<who>/remove")
@login_required
def remove(name: str, who: str) -> Any:
    """Remove somebody from the bot."""
    sharing.remove(current_user.id, name, who)
    return _back(name, "That person no longer belongs to the bot.")


@blueprint.post("/bots/<name>/people/hand-over")
@login_required
def hand_over(name: str) -> Any:
    """Make a member the owner."""
    bot, asked = visible(name, Act.SHARE), HandOver()
    if not asked.validate_on_submit():
        return _page(bot, hand_over=asked), 422
    try:
        sharing.hand_over(current_user.id, name, asked.to.data, asked.typed.data)
    except Invalid as error:
        asked.typed.errors = [error.sentence]
        return _page(bot, hand_over=asked), 422
    return _back(name, "The bot is handed over. You are a member of it now.")


@blueprint.post("/bots/<name>/people/leave")
@login_required
def leave(name: str) -> Any:
    """Leave the bot."""
    sharing.leave(current_user.id, name)
    flash(f"You no longer belong to {name}.")
    return redirect(url_for("bots.listed"))
