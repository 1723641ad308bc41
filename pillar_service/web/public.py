"""The public app: pages for people, the JSON API, and the node's door."""

from datetime import timedelta

from flask import Flask, Response, make_response, render_template, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug.middleware.proxy_fix import ProxyFix

from pillar_service.settings import settings
from pillar_service.usecases import storage
from pillar_service.web import door, figures, headers, layout, problems, signing, static_files, webhooks
from pillar_service.web.api import description
from pillar_service.web.pages import PAGES, invites, join, log, payments, people

LARGEST_FORM = 64 << 10

FOR_MACHINES = ("events", "transfers", "payments", *description.PATHS)
"""The first words of the addresses that are not for people."""


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
    protection = CSRFProtect(app)
    for machines in (door, webhooks):
        protection.exempt(machines.blueprint)
    if chosen.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=chosen.proxies, x_proto=chosen.proxies)  # type: ignore[method-assign]
    signing.register(app)
    problems.register(app, _shown)
    app.register_error_handler(
        CSRFError,
        lambda error: _shown(400, "Not sent", "The page was open for too long: go back, reload it, send it again."),
    )
    figures.register(app)
    static_files.register(app)
    layout.register(app, chosen)
    headers.register(app, chosen)
    app.context_processor(payments.standing)
    for part in (door, webhooks, *PAGES, people, join, invites, log):
        app.register_blueprint(part.blueprint)
    description.register(app)
    app.add_url_rule("/healthz", "healthz", lambda: {"ok": True})
    return app


def _shown(status: int, title: str, sentence: str) -> Response:
    """A page for people, a problem in JSON for nodes and for who uses the API."""
    if request.blueprint == door.blueprint.name or request.path.split("/")[1] in FOR_MACHINES:
        return problems.problem(status, title, sentence)
    return make_response(render_template("error.html", status=status, title=title, sentence=sentence), status)
