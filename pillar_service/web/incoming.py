"""What a request brings, read from Flask's request: token, JSON body, key, numbers in the address."""

from typing import Any

from flask import request

from pillar_service.core.errors import Invalid, Unauthenticated
from pillar_service.core.names import shown, text

LONGEST_WAIT_S = 30.0


def bearer() -> str:
    """The bearer token (RFC 6750, section 2.1); raises Unauthenticated when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send your token in the header 'Authorization: Bearer <token>'.")
    return token.strip()


def actor(master: str) -> str:
    """Who asks through a master: the operator it names (``X-Actor``), for whom it answers; else the master itself."""
    operator = request.headers.get("X-Actor", "")
    return f"operator:{text(operator, 'operator', 100)}" if operator else f"master:{master}"


def body(*known: str) -> dict[str, Any]:
    """The JSON object in the request's body, which may have these keys and no others; raises Invalid."""
    given = request.get_json()
    if not isinstance(given, dict):
        raise Invalid("Send a JSON object.")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Invalid(f"{shown(unknown[0])} is not known here; known: {', '.join(known)}.")
    return given


def key() -> str | None:
    """The idempotency key, if the asker sent one."""
    return request.headers.get("Idempotency-Key")


def wait() -> float:
    """For how many seconds the asker will wait (``?wait=``), at most 30."""
    return seconds(request.args.get("wait", 0))


def seconds(value: object) -> float:
    """A waiting time from 0 to 30 seconds; raises Invalid."""
    try:
        given = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        given = -1.0
    if given >= 0:
        return min(given, LONGEST_WAIT_S)
    raise Invalid(f"'wait' must be seconds from 0 to {LONGEST_WAIT_S:.0f}.")


def after() -> int | None:
    """The number after which the asker wants to hear (``?after=``), if there is one; raises Invalid."""
    return _number("after")


def before() -> int | None:
    """The number before which the asker wants to see (``?before=``), if there is one; raises Invalid."""
    return _number("before")


def _number(name: str) -> int | None:
    given = request.args.get(name)
    if given is None:
        return None
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    raise Invalid(f"'{name}' must be a whole number from 0.")
