"""Turns errors into answers: a problem in JSON (RFC 9457) for machines, a page for people."""

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed

from pillar_service.core import tracing
from pillar_service.core.errors import Changed, Failed, Invalid, SaltcellarError
from pillar_service.usecases.service import storage

Shown = Callable[[int, str, str], Response]
"""Makes an answer from status, title and sentence."""

SENTENCES = {
    400: "The request can't be read: send what the documentation shows.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    408: "The request took too long to arrive: send it again.",
    413: "What you sent is too large: send less at once.",
    415: "Send JSON, with the header 'Content-Type: application/json'.",
}


TOO_DEEP = "It is nested too deeply to be read."
NO_JSON = "The body is not JSON: check its quotes, commas and brackets, then send it again."
NO_TEXT = "It contains characters that are not text (lone surrogates): leave them out."


class NoJson(BadRequest):
    """A body that was sent as JSON, but is not."""


def problem(status: int, title: str, sentence: str, **more: Any) -> Response:
    """An answer of type application/problem+json; ``more`` are further members of the problem."""
    told = {"type": "about:blank", "title": title, "status": status, "detail": sentence, **more}
    told |= {"request": id} if (id := tracing.current()) else {}
    answer = Response(json.dumps(told), status, mimetype="application/problem+json")
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def register(app: Flask, shown: Shown = problem) -> None:
    """Turn every error of this app into an answer, made by ``shown``."""

    def on_error(error: SaltcellarError) -> Response:
        answer = shown(error.status, error.title, error.sentence)
        if error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    app.register_error_handler(SaltcellarError, on_error)
    app.register_error_handler(Changed, _changed)
    app.register_error_handler(HTTPException, lambda error: _http(error, shown))
    app.register_error_handler(RecursionError, lambda error: on_error(Invalid(TOO_DEEP)))
    app.register_error_handler(UnicodeEncodeError, lambda error: on_error(Invalid(NO_TEXT)))
    app.register_error_handler(Exception, lambda error: on_error(_logged(error)))
    for fault in storage.FAULTS:
        app.register_error_handler(fault, lambda error: on_error(_fault(error)))


def _changed(error: Changed) -> Response:
    """The answer holds the current value, so that whoever lost can try again at once. No page raises this error."""
    return problem(error.status, error.title, error.sentence, current=error.current)


def _http(error: HTTPException, shown: Shown) -> Response:
    if error.code is None or error.code < 400:
        return Response.force_type(error.get_response())
    answer = shown(error.code, error.name, _sentence(error))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _sentence(error: HTTPException) -> str:
    if isinstance(error, NoJson):
        return NO_JSON
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        taken = sorted(set(error.valid_methods) - {"HEAD", "OPTIONS"})
        return f"This address does not take that method: it takes {', '.join(taken)}."
    return SENTENCES.get(error.code or 0, error.description or error.name)


def _fault(error: Exception) -> SaltcellarError:
    current_app.logger.error("database: %s", error)
    storage.release()
    return storage.explained(error)


def _logged(error: Exception) -> SaltcellarError:
    current_app.logger.error("unexpected", exc_info=error)
    storage.release()
    return Failed("Something went wrong on our side: it is in the service's log. Try again in a minute.")
