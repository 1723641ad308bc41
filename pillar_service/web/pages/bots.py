"""The pages of a person's bots: the dashboard, the form for a new bot, and actions on one."""

from functools import lru_cache
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, url_for
from flask_login import current_user
from markupsafe import Markup
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Conflict, Full, Invalid, NotFound
from pillar_service.core.jobs import faults
from pillar_service.core.names import NOTE_LENGTH
from pillar_service.core.people.permissions import Act
from pillar_service.settings import settings
from pillar_service.usecases.bots import bots, bringing_back, dashboard, own_bots, placing, pouring, restoring
from pillar_service.usecases.bots.dashboard import Card
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import permissions
from pillar_service.web.figures import ago
from pillar_service.web.pages.live import live
from pillar_service.web.pages.once import Once, new_key, refused, sent_key
from pillar_service.web.signing import login_required

blueprint = Blueprint("bots", __name__)
blueprint.app_context_processor(lambda: {"new_key": new_key})

ACTIONS = ("restart", "start", "stop", "upgrade", "rebuild")
"""Actions that need no more than a button, without confirmation."""


class New(Once):
    """A new bot."""

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=63)])
    description = StringField("A line about it (optional)", [Length(max=NOTE_LENGTH)])
    node = SelectField("On which machine", default="", validate_choice=False)

    def __init__(self, *sent: Any, **more: Any) -> None:
        super().__init__(*sent, **more)
        theirs = [SelectChoice(id, id) for id in placing.choices(current_user.id)]
        self.node.choices = [SelectChoice("", "wherever there is room"), *theirs]


CARDS = 2048
"""How many cards a process remembers.

Most look as they did five seconds ago, and drawing fifty takes a quarter of the page's time.
"""


@lru_cache(CARDS)
def _draw(card: Card, listed: str, asked: str) -> str:
    shape = current_app.jinja_env.get_template("bot_card.html").module
    return str(shape.card(card, f"{listed}/{card.name}", asked))  # type: ignore[attr-defined]


def drawn(cards: list[Card], listed: str) -> Markup:
    """Draw the cards as one piece of HTML; ``listed`` is the dashboard's address."""
    each = (_draw(card, listed, ago(card.job.created_at) if card.job else "") for card in cards)
    return Markup("\n".join(each))  # noqa: S704


def visible(key: str, act: Act = Act.SEE) -> dict[str, Any]:
    """The bot, if the person who is signed in may do this with it.

    Raises NotFound if they may not see the bot, Forbidden if they may only see it.
    """
    told: dict[str, Any] = bots.described([permissions.require(current_user.id, act, key)])[0]
    return told | {"detail": faults.for_people(told["detail"])}


@blueprint.get("/bots")
@login_required
def listed() -> str:
    """Show the dashboard."""
    deleted = bringing_back.deleted(current_user.id)
    return render_template("bots.html", bots=dashboard.of(current_user.id), drawn=drawn, deleted=deleted)


@blueprint.get("/live/bots")
@live
def part() -> str:
    """Draw the part of the dashboard that renews itself."""
    return render_template("bots_part.html", bots=dashboard.of(current_user.id), drawn=drawn)


@blueprint.get("/bots/new")
@login_required
def new() -> str:
    """Show the form for a new bot."""
    return render_template("bot_new.html", form=New(), wrong=None)


@blueprint.post("/bots/new")
@login_required
def create() -> Any:
    """Pour a bot; the dashboard shows its progress."""
    form = New()
    if not form.validate_on_submit():
        return refused("bot_new.html", form)
    try:
        pouring.create(
            current_user.id, form.name.data, form.description.data or "", form.key.data, form.node.data or None
        )
    except (Invalid, Conflict, Full, NotFound) as error:
        return refused("bot_new.html", form, error)
    return redirect(url_for("bots.listed"))


@blueprint.get("/bots/<name>")
@login_required
def show(name: str) -> Any:
    """Go to the first tab of a bot."""
    return redirect(url_for("bots.actions", name=visible(name)["name"]))


@blueprint.get("/bots/<name>/actions")
@login_required
def actions(name: str) -> str:
    """Show what can be done with a bot, and its last jobs."""
    bot = visible(name)
    may, done = permissions.of(current_user.id, bot["id"]), jobs.listed(bot=bot["id"], limit=10)
    shown = {"next_image": settings().pub_image, "is_lost": restoring.is_lost(bot["node"])}
    return render_template("actions.html", bot=bot, may=may, jobs=done, **shown)


@blueprint.post("/bots/<name>/actions/<action>")
@login_required
def act(name: str, action: str) -> Any:
    """Make a job of the action."""
    if action not in ACTIONS:
        abort(404)
    made = own_bots.submit(current_user.id, f"bots.{action}", name, {}, sent_key())
    return redirect(url_for("jobs.show", id=made["job"]["id"]))
