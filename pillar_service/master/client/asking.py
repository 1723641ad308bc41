"""Asking the private app: the token, the errors, and what an answer must look like."""

import json
import secrets
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import quote, urlencode

from pillar_service.core import errors
from pillar_service.master.bearer import Token
from pillar_service.master.refusals import problem, refusal
from pillar_service.master.wire import Answer, Wire

LONG_POLL_S = 25.0
"""How many seconds a long poll asks the service to wait, which allows 30 s."""

MARGIN_S = 10.0
"""How many seconds a long poll may take beyond the wait that it asked for."""

PROVIDER_S = 60.0
"""How many seconds a request may take for which the service also asks the payment provider."""

RUN_S = 600.0
"""How many seconds work on all accounts or rows may take; payments may take a question to the provider for each account."""

TRANSFER_S = 900.0
"""How many seconds the transfer of a tar may take."""


class _Told(dict[str, Any]):
    """The object in an answer; a missing key raises Unavailable, as another version must have answered."""

    def __missing__(self, key: str) -> Any:
        raise errors.Unavailable(f"The service's answer has no {key!r}: its version differs from this master's.")


class Asking:
    """The base of all parts of the client."""

    def __init__(self, url: str, token_file: str, timeout: float = 10.0, actor: str | None = None) -> None:
        self._wire = Wire(url, timeout)
        self._base = url.removeprefix(self._wire.origin).rstrip("/")
        self._token = Token(token_file)
        self._actor = {"X-Actor": actor} if actor else {}

    def _refused(self, path: str, told: Mapping[str, Any]) -> dict[str, errors.SaltcellarError]:
        refused = self._json("POST", path, told)["refused"]
        return {id: problem(one["status"], one, "The service gave no reason.") for id, one in refused.items()}

    def _json(
        self,
        method: str,
        path: str,
        told: Mapping[str, Any] | None = None,
        wait: float = 0,
        condition: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = dict(condition or {}) | ({"Content-Type": "application/json"} if told is not None else {})
        body = _written(told) if told is not None else None
        timeout = wait + MARGIN_S if wait else None
        return self._object(self._ask(method, path, headers, body, timeout))

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | IO[bytes] | None,
        timeout: float | None = None,
        into: IO[bytes] | None = None,
    ) -> Answer:
        once = {"Idempotency-Key": secrets.token_hex(16)} if method == "POST" else {}
        sent = {**headers, **self._actor, **once, **self._token.headers()}
        answer = self._wire.ask(method, self._base + path, sent, body, timeout, into)
        if answer.status >= 400:
            raise refusal(answer, self._wire.origin)
        return answer

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or answer.content_type != "application/json":
            raise errors.Unavailable(
                f"What answers at {self._wire.origin} is not the service (it sent no JSON object): correct its address."
            )
        return _Told(told)


def _written(told: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(told, allow_nan=False).encode()
    except (ValueError, TypeError) as error:  # the command line makes such values of `.inf` and `[!!set {a}]`
        raise errors.Invalid(
            "What was typed is not a finite number, or holds something that is not text, a number, a list or an object: put "
            "quotes around it, twice."
        ) from error


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="@")


def query(wanted: Mapping[str, Any]) -> str:
    """The query string for these parameters, or an empty text for none."""
    return "?" + urlencode(wanted) if wanted else ""
