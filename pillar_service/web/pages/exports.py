"""Exports: ask for one, fetch it."""

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from pillar_service.core.bots.exports import HOLDS_SECRET, Kind
from pillar_service.core.people.permissions import Act
from pillar_service.usecases.bots import own_bots, transfers
from pillar_service.usecases.jobs import jobs
from pillar_service.web import sending
from pillar_service.web.pages.bots import visible
from pillar_service.web.pages.confirm import Confirm, confirmed
from pillar_service.web.pages.once import Once, refused
from pillar_service.web.signing import login_required

blueprint = Blueprint("exports", __name__)

CHOICES = [
    SelectChoice(str(kind), text)
    for kind, text in {
        Kind.EVERYTHING: "Everything: all of the below, and its invites. Only this can be imported again.",
        Kind.SECRET: "The secret: its identity. Whoever has it can speak as the bot.",
        Kind.GOSSIP: "The gossip: the peers it knows.",
        Kind.LOG: "The log: every message it holds.",
        Kind.BLOBS: "The blobs: pictures and other files.",
    }.items()
]


class Export(Once, Confirm):
    """What is to be exported."""

    kind = RadioField("What", [InputRequired("Choose one.")], choices=CHOICES, default=str(Kind.EVERYTHING))


@blueprint.get("/bots/<name>/export")
@login_required
def form(name: str) -> str:
    """Show the choice of kinds."""
    return render_template("export.html", bot=visible(name, Act.EXPORT), form=Export(), wrong=None)


@blueprint.post("/bots/<name>/export")
@login_required
def ask(name: str) -> Any:
    """Ask for an export; one with the secret needs the password."""
    bot, form = visible(name, Act.EXPORT), Export()
    if before := form.was_sent():  # a code works only once, and a double click sends the form twice
        return redirect(url_for("jobs.show", id=before))
    if not form.validate_on_submit() or (form.kind.data in HOLDS_SECRET and not confirmed(form)):
        return refused("export.html", form, bot=bot)
    made = own_bots.submit(current_user.id, "bots.export", bot["id"], {"kind": form.kind.data}, form.key.data)
    return redirect(url_for("jobs.show", id=made["job"]["id"]))


@blueprint.get("/bots/<name>/exports/<job>")
@login_required
def fetch(name: str, job: str) -> Any:
    """Send the export's tar."""
    bot = visible(name, Act.EXPORT)
    found = transfers.export_of(bot["id"], job)
    name = f"{bot['name']}-{transfers.exported_kind(jobs.found(job).arguments)}.tar"
    return sending.to_person(current_user.id, transfers.path(found.id), name)
