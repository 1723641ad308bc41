"""The page behind the link in an invitation to a bot."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user

from pillar_service.usecases.people import accounts, sharing
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("join", __name__)


@blueprint.get("/join/<token>")
def show(token: str) -> Any:
    """Show the invitation, and the account that would join: the one signed in, whatever address the mail went to.

    Somebody who has joined by it already is sent to the bot.
    """
    if current_user.is_authenticated and (name := sharing.joined(current_user.id, token)):
        return _joined(name)
    account = accounts.show(current_user.id) if current_user.is_authenticated else None
    told = sharing.invitation(token)
    return render_template("join.html", told=told, account=account, token=token, form=Form())


@blueprint.post("/join/<token>")
@login_required
def accept(token: str) -> Any:
    """Accept the invitation."""
    return _joined(sharing.accept(current_user.id, token))


def _joined(name: str) -> Any:
    flash(f"You belong to {name} now.")
    return redirect(url_for("people.show", name=name))
