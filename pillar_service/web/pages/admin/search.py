"""Search over everything."""

from flask import render_template, request

from pillar_service.core import searching
from pillar_service.usecases.admin import search
from pillar_service.web.pages.admin.door import blueprint


@blueprint.get("/search", endpoint="search")
def results() -> str:
    """Show what a word finds; with ``?kind=``, of that kind alone."""
    word, kind = request.args.get("q", ""), request.args.get("kind", "")
    found = search.everything(word, kind)
    return render_template("admin/search.html", word=word, kind=kind, found=found, rules=searching)
