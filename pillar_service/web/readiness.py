"""Health checks of both apps, which anybody may ask: whether the app lives, and whether it can do its work."""

from typing import Any

from flask import Flask

from pillar_service.usecases.service import readiness
from pillar_service.web import problems

FOR_ANYBODY = ("healthz", "readyz")
"""The names of their endpoints."""


def register(app: Flask) -> None:
    """Add the two health checks to an app."""
    app.add_url_rule("/healthz", "healthz", lambda: {"ok": True})
    app.add_url_rule("/readyz", "readyz", _ready)


def _ready() -> Any:
    missing = readiness.missing()
    return problems.problem(503, "Not ready", " ".join(missing)) if missing else {"ok": True}
