"""Search over everything."""

from flask import render_template, request

from pillar_service.usecases.admin import search
from pillar_service.web.pages.admin.door import blueprint


@blueprint.get("/search", endpoint="search")
def results() -> str:
    """What a word finds."""
    word = request.args.get("q", "")
    return render_template("admin/search.html", word=word, found=search.everything(word))
