"""Restoring a bot of a lost node on another node."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from pillar_service.core.errors import Conflict, Full, Invalid, NotFound
from pillar_service.core.people.permissions import Act
from pillar_service.usecases.bots import placing, restoring
from pillar_service.web.pages.bots import visible
from pillar_service.web.pages.once import Once, actor, refused
from pillar_service.web.signing import login_required

blueprint = Blueprint("restores", __name__)

REFUSED = (Invalid, Conflict, Full, NotFound)


class Restore(Once):
    """The node to restore the bot on, and the bot's name if messages would be lost."""

    node = SelectField("On which machine", default="", validate_choice=False)
    typed = StringField("The bot's name, to be sure", [Length(max=63)])

    def choose(self, nodes: list[str]) -> "Restore":
        """Offer these nodes; returns the form."""
        self.node.choices = [SelectChoice("", "wherever there is room"), *(SelectChoice(id, id) for id in nodes)]
        return self

    def ask(self, who: str, bot: dict[str, Any]) -> dict[str, Any]:
        """Restore the bot as the form says, for the actor ``who``."""
        typed = (self.typed.data or "").strip().lower()
        return restoring.restore(who, bot["id"], self.node.data or None, typed or None, self.key.data)


def _form(**more: Any) -> Restore:
    return Restore(**more).choose(placing.choices(current_user.id))


@blueprint.get("/bots/<name>/restore")
@login_required
def form(name: str) -> str:
    """Show how old the newest export is and what would be lost, with the form."""
    bot = visible(name, Act.CHANGE)
    return render_template(
        "restore.html", bot=bot, its=restoring.show(bot["id"]), form=_form(formdata=None), wrong=None
    )


@blueprint.post("/bots/<name>/restore")
@login_required
def restore(name: str) -> Any:
    """Restore a bot; its job shows the progress."""
    bot, form = visible(name, Act.CHANGE), _form()
    its = restoring.show(bot["id"])
    if not form.validate_on_submit():
        return refused("restore.html", form, bot=bot, its=its)
    try:
        made = form.ask(actor(), bot)
    except REFUSED as error:
        return refused("restore.html", form, error, bot=bot, its=its)
    return redirect(url_for("jobs.show", id=made["job"]["id"]))
