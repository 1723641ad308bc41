"""Gives each request an id: a new one, or the id that a master sends of the request for which it asks.

The id is in every log line, in the answer's header, and on error pages, where a person can quote it. Requests that
change something or fail are logged; those that only read, or that machines send all the time, are not.
"""

import logging
import time
from typing import Any

from flask import Flask, Response, g, request

from pillar_service.core import tracing
from pillar_service.usecases.service import measuring

QUIET = ("runs", "door")
"""Blueprints that machines ask all the time: only their failures are logged."""

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Give each request of this app an id. To be called before anything else is registered that may use it."""
    app.before_request(_begin)
    app.after_request(_told)
    app.teardown_request(_end)


def take_over() -> None:
    """Take over the id that an authenticated master sends, if it does."""
    tracing.begin(request.headers.get(tracing.HEADER) or tracing.current())


def _begin() -> None:
    g.began = time.monotonic()
    tracing.begin()


def _told(answer: Response) -> Response:
    answer.headers[tracing.HEADER] = tracing.current() or ""
    measuring.answered(answer.status_code)
    if answer.status_code >= 500 or (request.method not in ("GET", "HEAD", "OPTIONS") and not _is_quiet()):
        log.info("%s %s", request.method, _route(), extra=_extra(answer))
    return answer


def _extra(answer: Response) -> dict[str, Any]:
    took_ms = round((time.monotonic() - g.began) * 1000)
    told = {"method": request.method, "route": _route(), "status": answer.status_code, "took_ms": took_ms}
    return told | ({"master": g.master} if "master" in g else {})


def _route() -> str:
    """The route's pattern: the address itself may hold a secret, such as a mailed link."""
    return request.url_rule.rule if request.url_rule else "(unknown)"


def _is_quiet() -> bool:
    return request.blueprint in QUIET


def _end(_: BaseException | None) -> None:
    tracing.end()
