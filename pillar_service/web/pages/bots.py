"""The pages of a person's bots."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from pillar_service.core.names import NOTE_LENGTH
from pillar_service.core.permissions import Act
from pillar_service.usecases import bots, jobs, permissions

blueprint = Blueprint("bots", __name__)


class Invite(FlaskForm):  # type: ignore[misc]
    """What an invite is for."""

    uses = IntegerField(
        "How many people may use it", [InputRequired("Say for how many."), NumberRange(1, 1000)], default=1
    )
    note = StringField("For whom (only you see this)", [Length(max=NOTE_LENGTH)])


def visible(key: str, act: Act = Act.SEE) -> dict[str, Any]:
    """The bot, if the person who is signed in may do this with it; for strangers it does not exist."""
    return bots.show(permissions.require(current_user.id, act, key).id)


@blueprint.get("/bots")
@login_required  # type: ignore[untyped-decorator]
def listed() -> str:
    """The bots that the person belongs to."""
    return render_template("bots.html", bots=bots.listed(account=current_user.id))


@blueprint.get("/bots/<name>")
@login_required  # type: ignore[untyped-decorator]
def show(name: str) -> str:
    """One bot: how it is, and the way to invite somebody."""
    bot = visible(name)
    return render_template("bot.html", bot=bot, jobs=jobs.listed(bot=bot["id"], limit=10), form=Invite())


@blueprint.post("/bots/<name>/invites")
@login_required  # type: ignore[untyped-decorator]
def invite(name: str) -> Any:
    """Ask for an invite."""
    bot, asked = visible(name, Act.INVITE), Invite()
    if not asked.validate_on_submit():
        return render_template("bot.html", bot=bot, jobs=jobs.listed(bot=bot["id"], limit=10), form=asked), 422
    arguments = {"uses": asked.uses.data, "note": asked.note.data or ""}
    made = jobs.submit(f"account:{current_user.id}", "bots.invite", bot["id"], arguments)
    return redirect(url_for("jobs.show", id=made["job"]["id"]))
