"""The public app: pages for people, the JSON API, and the node's door."""

from datetime import timedelta

from flask import Flask, Response, make_response, render_template, request
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError

from pillar_service.settings import settings
from pillar_service.usecases import storage
from pillar_service.web import door, figures, problems
from pillar_service.web.api import description
from pillar_service.web.pages import bots, jobs, landing, sign_in, status

LARGEST_FORM = 64 << 10

FOR_MACHINES = ("events", "transfers", *description.PATHS)
"""The first words of the addresses that are not for people."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app() -> Flask:
    """The WSGI app. It connects to nothing yet, so that a server may fork afterwards."""
    storage.prepare()
    chosen = settings()
    app = description.app(__name__)
    app.config.update(
        SECRET_KEY=chosen.secret_key,
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        SESSION_COOKIE_NAME="saltcellar",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=chosen.address.startswith("https:"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
    )
    CSRFProtect(app).exempt(door.blueprint)
    _sign_ins(app)
    problems.register(app, _shown)
    app.register_error_handler(
        CSRFError,
        lambda error: _shown(400, "Not sent", "The page was open for too long: go back, reload it, send it again."),
    )
    figures.register(app)
    app.context_processor(lambda: {"place": chosen.domain})
    app.after_request(_with_headers)
    for part in (door, landing, sign_in, bots, jobs, status):
        app.register_blueprint(part.blueprint)
    description.register(app)
    app.add_url_rule("/healthz", "healthz", lambda: {"ok": True})
    return app


def _sign_ins(app: Flask) -> None:
    manager = LoginManager(app)
    manager.login_view = "sign_in.form"
    manager.login_message = "Sign in to see that page."
    manager.user_loader(sign_in.person)


def _shown(status: int, title: str, sentence: str) -> Response:
    """A page for people, a problem in JSON for nodes and for who uses the API."""
    if request.blueprint == door.blueprint.name or request.path.split("/")[1] in FOR_MACHINES:
        return problems.problem(status, title, sentence)
    return make_response(render_template("error.html", status=status, title=title, sentence=sentence), status)


def _with_headers(answer: Response) -> Response:
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    if not request.path.startswith("/static/"):
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer
