"""What a request brings: token, JSON body, idempotency key, numbers in the query."""

from typing import Any

from flask import request

from pillar_service.core.errors import Invalid, Unauthenticated
from pillar_service.core.names import shown, text

LONGEST_WAIT_S = 30.0


def bearer() -> str:
    """The bearer token (RFC 6750, section 2.1). Raises Unauthenticated if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send your token in the header 'Authorization: Bearer <token>'.")
    return token.strip()


def actor(master: str) -> str:
    """Who asks through a master: the operator that it names (``X-Actor``) and answers for, else the master itself."""
    operator = request.headers.get("X-Actor", "")
    return f"operator:{text(operator, 'operator', 100)}" if operator else f"master:{master}"


def body(*known: str) -> dict[str, Any]:
    """The JSON object in the body. Raises Invalid for anything else and for keys that are not among ``known``."""
    given = request.get_json()
    if not isinstance(given, dict):
        raise Invalid("Send a JSON object.")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Invalid(f"{shown(unknown[0])} is not known here; known: {', '.join(known)}.")
    return given


def key() -> str | None:
    """The request's idempotency key, or None."""
    return request.headers.get("Idempotency-Key")


def wait() -> float:
    """How many seconds the asker will wait (``?wait=``), at most 30. Raises Invalid."""
    return seconds(request.args.get("wait", 0))


def seconds(value: object) -> float:
    """A waiting time in seconds, cut to 30. Raises Invalid for what is no number, or negative."""
    try:
        given = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        given = -1.0
    if given >= 0:
        return min(given, LONGEST_WAIT_S)
    raise Invalid(f"'wait' must be seconds from 0 to {LONGEST_WAIT_S:.0f}.")


def after() -> int | None:
    """The number after which news is wanted (``?after=``), or None. Raises Invalid."""
    return _number("after")


def before() -> int | None:
    """The number before which entries are wanted (``?before=``), or None. Raises Invalid."""
    return _number("before")


def _number(name: str) -> int | None:
    given = request.args.get(name)
    if given is None:
        return None
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    raise Invalid(f"'{name}' must be a whole number from 0.")
