"""The tab of a bot's invites."""

import hashlib
import io
import json
from typing import Any

import segno
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_login import current_user
from wtforms import HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.names import NOTE_LENGTH, new_id
from pillar_service.core.people.permissions import Act
from pillar_service.usecases.bots import invites
from pillar_service.web.pages.bots import visible
from pillar_service.web.pages.forms import Between, Form
from pillar_service.web.pages.live import live
from pillar_service.web.signing import login_required

blueprint = Blueprint("invites", __name__)


class Invite(Form):
    """For whom an invite is; ``once`` identifies the form, so that sending it twice asks for one invite."""

    note = StringField("For whom (peers never see it)", [Length(max=NOTE_LENGTH)])
    uses = IntegerField("How many people may use it", [InputRequired("Say for how many."), Between(1, 1000)], default=1)
    once = HiddenField(default=new_id)


def _page() -> int:
    return request.args.get("page", 1, type=int)


def _mark(told: dict[str, Any]) -> str:
    """A hash that changes when the ledger does, but not as its "… ago" times pass."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _shown(bot: dict[str, Any], told: dict[str, Any], form: Invite) -> str:
    return render_template("invites.html", bot=bot, told=told, mark=_mark(told), form=form)


@blueprint.get("/bots/<name>/invites")
@login_required
def show(name: str) -> str:
    """Show the ledger as the pub last told it, with the form for an invite. An old copy is asked for anew."""
    return _shown(visible(name), invites.look(current_user.id, name, _page()), Invite())


@blueprint.get("/bots/<name>/invites/ledger")
@live
def ledger(name: str) -> Any:
    """The ledger alone, for a page that waits for a new one; 204 if it is still the one of ``?mark=``."""
    bot, told = visible(name), invites.ledger(current_user.id, name, _page())
    mark = _mark(told)
    if request.args.get("mark") == mark:
        return "", 204
    return render_template("invites_ledger.html", bot=bot, told=told, mark=mark)


@blueprint.post("/bots/<name>/invites/make")
@login_required
def make(name: str) -> Any:
    """Ask for an invite."""
    bot, asked = visible(name, Act.INVITE), Invite()
    if not asked.validate_on_submit():
        return _shown(bot, invites.ledger(current_user.id, name), asked), 422
    invites.make(current_user.id, name, asked.uses.data, asked.note.data or "", asked.once.data or None)
    return redirect(url_for("invites.show", name=bot["name"]))


@blueprint.post("/bots/<name>/invites/<id>/revoke")
@login_required
def revoke(name: str, id: str) -> Any:
    """Ask for an invite to be revoked."""
    invites.revoke(current_user.id, name, id)
    return redirect(url_for("invites.show", name=name))


@blueprint.get("/bots/<name>/invites/<id>/qr.svg")
@login_required
def qr(name: str, id: str) -> Response:
    """An invite's code as a QR code: dark on light in every theme, because scanners need it so."""
    drawn = io.BytesIO()
    segno.make(invites.code(current_user.id, name, id), micro=False).save(
        drawn, kind="svg", scale=4, light="#fff", svgclass=None, lineclass=None
    )
    return Response(drawn.getvalue(), mimetype="image/svg+xml")
