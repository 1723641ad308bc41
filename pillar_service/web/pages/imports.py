"""Importing an exported bot."""

import errno
import tempfile
from typing import IO, Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.file import FileField, FileRequired
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.formparser import parse_form_data

from pillar_service.core.errors import Conflict, Full, Invalid, NotFound
from pillar_service.settings import settings
from pillar_service.usecases.bots import pouring
from pillar_service.web import uploads
from pillar_service.web.pages.bots import New
from pillar_service.web.pages.once import refused
from pillar_service.web.signing import login_required

blueprint = Blueprint("imports", __name__)

LARGEST_FIELD = 64 << 10
"""The most bytes of a form field that is no file."""


class Import(New):
    """The export, and the new bot's name."""

    tar = FileField("The export (a tar of everything)", [FileRequired("Choose the file.")])


@blueprint.get("/bots/import")
@login_required
def form() -> str:
    """Show the form."""
    return render_template("bot_import.html", form=Import(formdata=None), wrong=None)


@blueprint.post("/bots/import")
@login_required
def take() -> Any:
    """Take the tar and pour the bot.

    The CSRF token is checked as part of the form: nothing may read the body before the tar's size is limited.
    """
    with uploads.taken(uploads.of_people, current_user.id):
        return _brought_in(Import(_sent()))


def _brought_in(form: Import) -> Any:
    if not form.validate():
        return refused("bot_import.html", form)
    try:
        made = pouring.bring_in(
            current_user.id,
            form.name.data,
            form.description.data or "",
            form.tar.data.stream,
            form.key.data,
            form.node.data or None,
        )
    except (Invalid, Conflict, Full, NotFound) as error:
        return refused("bot_import.html", form, error)
    return redirect(url_for("jobs.show", id=made["job"]["id"]))


def _sent() -> CombinedMultiDict:  # type: ignore[type-arg]
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType  # another kind of form would be read into memory, whatever its size
    try:
        limits = {"max_form_memory_size": LARGEST_FIELD, "max_content_length": settings().transfer_bytes}
        _, fields, files = parse_form_data(request.environ, _spool, max_form_parts=10, **limits)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Full("The service's disk is full: the tar was not taken. Try again when there is room.") from error
        raise
    tars = MultiDict((name, file) for name, file in files.items(multi=True) if name == "tar")
    return CombinedMultiDict([tars, fields])  # any other file is left out: it is no text


def _spool(*_: object, **__: object) -> IO[bytes]:
    # On the disk that holds tars, and without a name, so that nothing is left if this process dies.
    return tempfile.TemporaryFile(dir=settings().files)
