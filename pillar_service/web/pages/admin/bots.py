"""Bots."""

from typing import Any

from flask import redirect, render_template, url_for

from pillar_service.core.people.agents import Actual, Desired
from pillar_service.usecases.admin import bots, jobs
from pillar_service.usecases.bots import restoring
from pillar_service.web.pages.admin.door import actor, asked, blueprint
from pillar_service.web.pages.once import refused
from pillar_service.web.pages.restores import REFUSED, Restore


@blueprint.get("/bots", endpoint="bots")
def listed() -> str:
    """All bots."""
    filters = asked("state", "desired", "node", "account", "since", "until")
    known = {"states": list(Actual), "wishes": list(Desired)}
    return render_template("admin/bots.html", page=bots.listed(**filters), asked=filters, **known)


@blueprint.get("/bots/<id>", endpoint="bot")
def show(id: str) -> str:
    """One bot."""
    bot = bots.show(id)
    return render_template("admin/bot.html", bot=bot, jobs=jobs.listed(bot=bot["id"])["rows"][:20])


@blueprint.route("/bots/<id>/restore", endpoint="restore", methods=["GET", "POST"])
def restore(id: str) -> Any:
    """Show what restoring a bot of a lost node means, then restore it."""
    bot, form = bots.show(id), Restore().choose([])
    told = {"bot": bot, "its": restoring.show(bot["id"])}
    if not form.is_submitted():
        return render_template("admin/restore.html", form=form, wrong=None, **told)
    if not form.validate():
        return refused("admin/restore.html", form, **told)
    try:
        made = form.ask(actor(), bot)
    except REFUSED as error:
        return refused("admin/restore.html", form, error, **told)
    return redirect(url_for("admin.job", id=made["job"]["id"]))
