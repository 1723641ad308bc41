"""The catalogue of commands, and who may run them."""

from flask import render_template

from pillar_service.usecases.admin import commands
from pillar_service.web.pages.admin.door import blueprint


@blueprint.get("/commands", endpoint="commands")
def shown() -> str:
    """List commands and roles, and say what is wrong with the files, if anything is."""
    return render_template("admin/commands.html", **commands.shown())
