"""The page behind the address in an invitation's mail."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user

from pillar_service.usecases.people import accounts, sharing
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("join", __name__)


@blueprint.get("/join/<token>")
def show(token: str) -> Any:
    """What one is invited to, and who would join: the account that is signed in, whatever address the mail went to.

    Who has joined by it already is led to the bot.
    """
    if current_user.is_authenticated and (name := sharing.joined(current_user.id, token)):
        return _joined(name)
    account = accounts.show(current_user.id) if current_user.is_authenticated else None
    told = sharing.invitation(token)
    return render_template("join.html", told=told, account=account, token=token, form=Form())


@blueprint.post("/join/<token>")
@login_required
def accept(token: str) -> Any:
    """Join."""
    return _joined(sharing.accept(current_user.id, token))


def _joined(name: str) -> Any:
    flash(f"You belong to {name} now.")
    return redirect(url_for("people.show", name=name))
