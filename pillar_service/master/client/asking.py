"""Asking the private app: the token, the errors, what an answer must be."""

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
"""How long a long poll is asked to wait; the service allows 30 s."""

MARGIN_S = 10.0
"""What a long poll may take beyond the wait that it asked for."""

PROVIDER_S = 60.0
"""How long it may take where who takes the payments is told something, too."""

RUN_S = 600.0
"""How long the payments of all accounts may take, each perhaps with a question to their provider."""

TRANSFER_S = 900.0
"""How long a tar may take on its way."""


class _Told(dict[str, Any]):
    """An answer's object; what should be in it and is not means that somebody else answered."""

    def __missing__(self, key: str) -> Any:
        raise errors.Unavailable(f"The service's answer has no {key!r}: it is of another version than this master.")


class Asking:
    """How all of it is asked."""

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
    except (ValueError, TypeError) as error:  # the command line makes them of `.inf` and `[!!set {a}]`
        raise errors.Invalid(
            "What was typed is a number without an end, or holds what is neither text, number, list nor object: put quotes "
            "around it, twice."
        ) from error


def segment(value: str) -> str:
    """A value as a part of a path."""
    return quote(value, safe="@")


def query(wanted: Mapping[str, Any]) -> str:
    """What is wanted, at the end of an address."""
    return "?" + urlencode(wanted) if wanted else ""
