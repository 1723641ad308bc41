"""The public app: pages for people, the JSON API, and the node's door."""

from datetime import timedelta
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from flask_login import current_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug.middleware.proxy_fix import ProxyFix

from pillar_service.core.tracing import current
from pillar_service.settings import Settings, settings
from pillar_service.usecases.service import storage
from pillar_service.web import (
    addresses,
    door,
    downloads,
    enrol,
    figures,
    headers,
    layout,
    problems,
    readiness,
    signing,
    static_files,
    tracing,
    webhooks,
)
from pillar_service.web.api import description
from pillar_service.web.pages import PAGES, imports, payments
from pillar_service.web.turns import Turns

LARGEST_FORM = 64 << 10

FOR_MACHINES = (
    "enrol", "enrol.sh", "keys", "events", "bundle", "bundles", "node", "governors", "transfers", "capacities", "payments",
    *description.PATHS,
)  # fmt: skip
"""The first path segments of addresses that are for machines."""

FOR_VISITORS = (None, "start", "sign_in", "reset", "join")
"""The blueprints whose forms visitors may send."""


def create_app() -> Flask:
    """Make the WSGI app. It does not connect to the database yet, so a server may fork afterwards."""
    storage.prepare()
    chosen = settings()
    app = description.app(__name__)
    app.config.update(_configuration(chosen))
    app.ensure_sync = _as_it_is  # type: ignore[method-assign]
    tracing.register(app)
    _protect(app)
    if chosen.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=chosen.proxies, x_proto=chosen.proxies)  # type: ignore[method-assign]
    signing.register(app)
    problems.register(app, _shown)
    app.register_error_handler(CSRFError, _expired)
    figures.register(app)
    static_files.register(app)
    addresses.register(app)
    layout.register(app, chosen)
    headers.register(app, chosen)
    app.context_processor(payments.standing)
    for part in (door, downloads, enrol, webhooks, *PAGES):
        app.register_blueprint(part.blueprint)
    description.register(app)
    readiness.register(app)
    app.wsgi_app = Turns(app.wsgi_app)  # type: ignore[method-assign,assignment]
    return app


def _configuration(chosen: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": chosen.secret_key,
        "MAX_CONTENT_LENGTH": LARGEST_FORM,
        "SESSION_COOKIE_NAME": "saltcellar",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": chosen.address.startswith("https:"),
        "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
        "SESSION_REFRESH_EACH_REQUEST": False,  # `signing` does that: to sign it each time is a twelfth of a page
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
    }


def _protect(app: Flask) -> None:
    """Refuse forms without a CSRF token."""
    protection = CSRFProtect(app)
    # Machines' requests come from no browser; the import's form checks its token itself, once its size is known.
    for exempt in (door, enrol, webhooks, imports):
        protection.exempt(exempt.blueprint)


def _as_it_is(function: Any) -> Any:
    """Return the view unchanged: none is a coroutine, and Flask would check a dozen functions in each request."""
    return function


def _expired(_: CSRFError) -> Any:
    """Answer a form whose CSRF token is not this session's.

    The session has ended, or was another when the page was loaded.
    """
    if request.blueprint not in FOR_VISITORS and not current_user.is_authenticated:
        return signing.ask()
    return _shown(400, "Not sent", "The page was open for too long: go back, reload it and send it again.")


def _shown(status: int, title: str, sentence: str) -> Response:
    """An error as a page for people, or as a problem in JSON for nodes and the API."""
    if request.blueprint == door.blueprint.name or request.path.split("/")[1] in FOR_MACHINES:
        return problems.problem(status, title, sentence)
    told = {"status": status, "title": title, "sentence": sentence, "number": current()}
    back = signing.looked_at() if request.method == "POST" else None
    return make_response(render_template("error.html", **told, back=back), status)
