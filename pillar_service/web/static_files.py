"""Serves the pages' files: addresses change with the content, browsers keep the files for good, gzip is used."""

import hashlib
import mimetypes
import os
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, send_from_directory
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from werkzeug.utils import safe_join

FOLDER = Path(__file__).parent / "static"
FOR_GOOD = "public, max-age=31536000, immutable"


@cache
def _hashed(path: str, changed_ns: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def stamp(filename: str) -> str | None:
    """A hash of the content of a file in static/, or None if there is no such file."""
    path = safe_join(str(FOLDER), filename)
    try:
        return None if path is None else _hashed(path, os.stat(path).st_mtime_ns)
    except OSError:
        return None


def _static(filename: str) -> Response:
    twin = f"{filename}.gz"
    takes_gzip = request.accept_encodings["gzip"] > 0 and stamp(twin) is not None
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    answer = send_from_directory(FOLDER, twin if takes_gzip else filename, mimetype=kind)
    answer.vary.add("Accept-Encoding")
    if takes_gzip:
        answer.content_encoding = "gzip"
    if request.args.get("v") == stamp(filename):
        answer.headers["Cache-Control"] = FOR_GOOD
    return answer


class Sessions(SecureCookieSessionInterface):
    """Flask's own sessions, but static files, which any cache may keep, set no cookie; the serializer is made once."""

    def __init__(self, app: Flask) -> None:
        self._signs = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return self._signs

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if request.endpoint != "static":
            super().save_session(app, session, response)


def register(app: Flask) -> None:
    """Serve static/, to which `addresses` adds each file's hash. The app has no static folder of its own."""
    app.session_interface = Sessions(app)
    app.add_url_rule("/static/<path:filename>", "static", _static)
