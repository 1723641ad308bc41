"""Chat: links a person who is signed in with their user in Slack, and unlinks them."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user

from pillar_service.usecases.meeseeks import people
from pillar_service.usecases.people import accounts, second_factor
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("chat", __name__)


@blueprint.get("/chat/link/<token>")
@login_required
def show(token: str) -> str:
    """Ask whether this chat user is the person. It changes nothing yet: programs open links, too."""
    told = {"user": people.look(token), "account": accounts.show(current_user.id)}
    return render_template("chat_link.html", **told, token=token, form=Form())


@blueprint.post("/chat/link/<token>")
@login_required
def link(token: str) -> Any:
    """Link the chat user, then go on to the second factor if that is off."""
    flash(f"{people.link(current_user.id, token)} in Slack is now linked to you.")
    is_on = second_factor.is_on(current_user.id)
    return redirect(url_for("account.show" if is_on else "second_factor.show"))


@blueprint.post("/account/chat/<team>/<user>/unlink")
@login_required
def unlink(team: str, user: str) -> Any:
    """Unlink the chat user."""
    people.unlink(current_user.id, team, user)
    flash(f"{team}/{user} in Slack is no longer linked to you.")
    return redirect(url_for("account.show"))
