"""A person's tokens for programs: make one, see its secret once, revoke it. The account's page lists them."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from wtforms import IntegerField, SelectChoice, SelectMultipleField, StringField, widgets
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.people import tokens
from pillar_service.web.pages.confirm import Confirm, confirmed
from pillar_service.web.pages.forms import Between
from pillar_service.web.signing import login_required

blueprint = Blueprint("tokens", __name__)

CHOICES = [
    SelectChoice(str(scope), told)
    for scope, told in {
        Scope.READ: "read: see bots, their status and jobs",
        Scope.OPERATE: "operate: invite, start, stop, restart, upgrade, rebuild, change",
        Scope.EXPORT: "export: take out a bot's data, including its secret",
        Scope.ACCOUNT: "account: make bots, delete them with the password, see and end tokens",
    }.items()
]


class New(Confirm):
    """A token's purpose, scopes and life in days."""

    name = StringField("What it is for", [InputRequired("Say what it is for."), Length(max=100)])
    scopes = SelectMultipleField(
        "What it may do",
        [InputRequired("Choose at least one.")],
        choices=CHOICES,
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    days = IntegerField("For how many days", [InputRequired("Say how many."), Between(*tokens.DAYS)], default=90)


@blueprint.get("/account/tokens/new")
@login_required
def form() -> str:
    """Show the form."""
    return render_template("token_new.html", form=New(formdata=None), wrong=None)


@blueprint.post("/account/tokens/new")
@login_required
def create() -> Any:
    """Make a token, and show its secret this once."""
    form = New()
    if not form.validate_on_submit() or not confirmed(form):
        return render_template("token_new.html", form=form, wrong=None), 422
    try:
        made = tokens.create(current_user.id, form.name.data, form.scopes.data, form.days.data)
    except (Invalid, Conflict) as error:
        return render_template("token_new.html", form=form, wrong=error.sentence), error.status
    return render_template("token_made.html", token=made)


@blueprint.post("/account/tokens/<id>/revoke")
@login_required
def revoke(id: str) -> Any:
    """Revoke a token."""
    tokens.revoke(current_user.id, id)
    flash("The token no longer works.")
    return redirect(url_for("account.show"))
