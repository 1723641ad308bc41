"""Slack's door over HTTP: a WSGI app. It verifies, keeps and acks deliveries, and does nothing else before the ack."""

import json
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pillar_service.chatops import deliveries, signatures
from pillar_service.chatops.deliveries import Delivery
from pillar_service.chatops.inbox import Inbox, Kept
from pillar_service.core.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

LARGEST = 1 << 20
"""The most bytes of a request."""

log = logging.getLogger(__name__)

Answer = Callable[[Delivery], dict[str, Any] | None]
"""Makes the immediate answer to a submitted window, only from memory. With `errors`, the delivery is not kept."""


class Door:
    """The WSGI app. Wherever it is mounted, every path accepts everything that Slack sends."""

    def __init__(self, secret: str, inbox: Inbox, answer: Answer = lambda _: None) -> None:
        self.secret, self.inbox, self.answer = secret, inbox, answer

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            status, told = self._taken(environ)
        except Exception:
            log.exception("Slack's request could not be handled.")
            status, told = HTTPStatus.INTERNAL_SERVER_ERROR, None
        body = b"" if told is None else json.dumps(told).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _taken(self, environ: "WSGIEnvironment") -> tuple[HTTPStatus, dict[str, Any] | None]:
        if environ["REQUEST_METHOD"] != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED, None
        size = environ.get("CONTENT_LENGTH") or "0"
        if not (size.isascii() and size.isdigit()) or int(size) > LARGEST:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, None
        body = environ["wsgi.input"].read(int(size))
        timestamp, signature = (
            environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", ""),
            environ.get("HTTP_X_SLACK_SIGNATURE", ""),
        )
        if not signatures.is_genuine(self.secret, body, timestamp, signature):
            return HTTPStatus.UNAUTHORIZED, None
        try:
            return self._kept(deliveries.from_http(body, environ.get("CONTENT_TYPE", ""), _headers(environ)))
        except Invalid:
            return HTTPStatus.BAD_REQUEST, None
        except Unavailable:
            log.warning("Slack's request could not be saved; Slack will send it again.")
            return HTTPStatus.SERVICE_UNAVAILABLE, None

    def _kept(self, delivery: Delivery) -> tuple[HTTPStatus, dict[str, Any] | None]:
        if delivery.kind == "url_verification":
            return HTTPStatus.OK, {"challenge": delivery.payload.get("challenge")}
        if delivery.payload.get("ssl_check"):
            return HTTPStatus.OK, None
        return taken(self.inbox, delivery, self.answer)


def taken(inbox: Inbox, delivery: Delivery, answer: Answer) -> tuple[HTTPStatus, dict[str, Any] | None]:
    """Keep a delivery; returns the status and the answer. Raises Unavailable if it can't be kept."""
    told = answer(delivery)
    if told is not None and "errors" in told:
        return HTTPStatus.OK, told
    if inbox.keep(delivery) is Kept.REPLAYED:
        return HTTPStatus.UNAUTHORIZED, None
    return HTTPStatus.OK, told


def _headers(environ: "WSGIEnvironment") -> dict[str, str]:
    named = {name.removeprefix("HTTP_").replace("_", "-").lower(): value for name, value in environ.items()}
    return {name: value for name, value in named.items() if name.startswith("x-slack-")}
