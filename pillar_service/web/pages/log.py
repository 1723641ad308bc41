"""The tab of a bot's log: what happened to the bot, and what its container wrote."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user
from wtforms import SelectChoice, SelectField

from pillar_service.core.bots.happenings import LINES, Kind
from pillar_service.core.people.permissions import Act
from pillar_service.usecases.bots import happenings
from pillar_service.web.pages.bots import visible
from pillar_service.web.pages.forms import Form
from pillar_service.web.pages.live import live
from pillar_service.web.signing import login_required

blueprint = Blueprint("log", __name__)


class Lines(Form):
    """How many lines of the container's log to show."""

    lines = SelectField(
        "How many of its last lines", choices=[SelectChoice(str(n), str(n)) for n in LINES], default="200"
    )


def _page(bot: dict[str, Any], asked: Lines) -> str:
    told = happenings.log(current_user.id, bot["id"], request.args.get("kind"), request.args.get("before", ""))
    wrote = happenings.lines(current_user.id, bot["id"])
    return render_template("log.html", bot=bot, told=told, wrote=wrote, kinds=list(Kind), form=asked)


@blueprint.get("/bots/<name>/log")
@login_required
def show(name: str) -> str:
    """Show what happened, newest first (only ``?kind=`` if given), and the container's lines that were last asked for."""
    return _page(visible(name), Lines())


@blueprint.get("/bots/<name>/log/lines")
@live
def lines(name: str) -> Any:
    """The container's lines alone, for a page that waits for them; 204 while there is nothing new."""
    bot = visible(name)
    wrote = happenings.lines(current_user.id, bot["id"])
    if wrote["waiting"] and request.args.get("state") == wrote["job"]["state"]:
        return "", 204
    return render_template("log_lines.html", bot=bot, wrote=wrote)


@blueprint.post("/bots/<name>/log/lines")
@login_required
def ask(name: str) -> Any:
    """Ask for the last lines of the container's log."""
    bot, asked = visible(name, Act.OPERATE), Lines()
    if not asked.validate_on_submit():
        return _page(bot, asked), 422
    happenings.ask_lines(current_user.id, name, asked.lines.data)
    return redirect(url_for("log.show", name=bot["name"], _anchor="container"))
