"""Bots."""

from flask import render_template

from pillar_service.core.agents import Actual, Desired
from pillar_service.usecases.admin import bots, jobs
from pillar_service.web.pages.admin.door import asked, blueprint


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
