"""The mailbox of a trial service: the mails that were sent while CELLAR_MAIL is a file."""

from typing import Any

from flask import Blueprint, abort, render_template

from pillar_service.usecases.people import mails
from pillar_service.web import posting

blueprint = Blueprint("mailbox", __name__)


@blueprint.get("/mailbox")
def show() -> Any:
    """Show the newest mails; 404 unless CELLAR_MAIL is a file: whoever reads mails can get into the accounts."""
    path = mails.mailbox()
    if path is None:
        abort(404)
    return render_template("mailbox.html", mails=posting.kept(path))
