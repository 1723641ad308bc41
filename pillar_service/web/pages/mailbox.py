"""The mailbox of a try: what was sent while mail goes to a file."""

from typing import Any

from flask import Blueprint, abort, render_template

from pillar_service.usecases.people import mails
from pillar_service.web import posting

blueprint = Blueprint("mailbox", __name__)


@blueprint.get("/mailbox")
def show() -> Any:
    """The newest mails; only where CELLAR_MAIL is a file, for whoever reads them can open the accounts."""
    path = mails.mailbox()
    if path is None:
        abort(404)
    return render_template("mailbox.html", mails=posting.kept(path))
