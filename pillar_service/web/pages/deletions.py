"""Deleting a bot, and bringing it back."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from wtforms import StringField
from wtforms.validators import Length

from pillar_service.core.people.permissions import Act
from pillar_service.settings import settings
from pillar_service.usecases.bots import forgetting, own_bots
from pillar_service.usecases.people import permissions
from pillar_service.web.pages.bots import visible
from pillar_service.web.pages.confirm import Confirm, confirmed
from pillar_service.web.pages.once import Once, refused, sent_key
from pillar_service.web.signing import login_required

blueprint = Blueprint("deletions", __name__)
blueprint.app_context_processor(lambda: {"deleted_days": settings().deleted_days})


class Delete(Once, Confirm):
    """Deletion of a bot, confirmed by its name."""

    name = StringField("The bot's name, to be sure", [Length(max=400)])

    def is_of(self, bot: dict[str, Any]) -> bool:
        """Whether the name is the bot's; if not, the form gets an error."""
        right = (self.name.data or "").strip().lower() in (bot["name"], bot["host"])
        if not right:
            self.name.errors = [f"Type {bot['name']} to confirm."]
        return right


def _bot(name: str) -> dict[str, Any]:
    bot = visible(name, Act.DELETE)
    may_export = Act.EXPORT in permissions.of(current_user.id, bot["id"])
    return bot | {"may_export": may_export, "goes_with_its_node": forgetting.can_not_be_told(bot["node"])}


@blueprint.get("/bots/<name>/delete")
@login_required
def form(name: str) -> str:
    """Show what deleting means, with the form."""
    return render_template("delete.html", bot=_bot(name), form=Delete(formdata=None), wrong=None)


@blueprint.post("/bots/<name>/delete")
@login_required
def delete(name: str) -> Any:
    """Delete a bot; its data is kept for a while."""
    bot, form = _bot(name), Delete()
    if before := form.was_sent():  # a code works only once, and a double click sends the form twice
        return redirect(url_for("jobs.show", id=before))
    if not form.validate_on_submit() or not form.is_of(bot) or not confirmed(form):
        return refused("delete.html", form, bot=bot)
    made = own_bots.delete(current_user.id, bot["id"], form.key.data)
    if bot["goes_with_its_node"]:  # then nobody may see its jobs
        flash(f"{bot['name']} is gone.")
        return redirect(url_for("bots.listed"))
    return redirect(url_for("jobs.show", id=made["job"]["id"]))


@blueprint.post("/deleted/<id>/bring-back")
@login_required
def bring_back(id: str) -> Any:
    """Bring a deleted bot back."""
    own_bots.bring_back(current_user.id, id, sent_key())
    return redirect(url_for("bots.listed"))
