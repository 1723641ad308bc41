"""Each request has an id: made here, or taken over from a master, which says for which request it asks.

It goes into every line of the log, into the answer's header and, when something went wrong, before the person, who can
quote it. What was changed or failed is logged; what only looks, and what comes by itself all the time, is not.
"""

import logging
import time
from typing import Any

from flask import Flask, Response, g, request

from pillar_service.core import tracing
from pillar_service.usecases.service import measuring

QUIET = ("runs", "door")
"""Blueprints whose views are asked by themselves, again and again: only their failures are logged."""

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Give each request of this app an id. Before anything else is registered, so that it has one in all of that."""
    app.before_request(_begin)
    app.after_request(_told)
    app.teardown_request(_end)


def take_over() -> None:
    """From a master that is known: the request that it asks for, if it says one."""
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
    """The address's pattern: the address itself may hold a secret, such as a link that was mailed."""
    return request.url_rule.rule if request.url_rule else "(unknown)"


def _is_quiet() -> bool:
    return request.blueprint in QUIET


def _end(_: BaseException | None) -> None:
    tracing.end()
