"""An account's configuration: keys with JSON values, which its nodes receive and its machines use.

Each change has a revision: a number that only grows within the account, so that nobody mistakes a new value for an old one.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Changed, Conflict, Invalid, NotFound, TooMany

SEGMENT = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
KEY = re.compile(rf"{SEGMENT}(?:/{SEGMENT})*", re.ASCII)
"""Words separated by slashes, such as `pub/restart-after`: safe in a URL, and unable to go up in a path."""

LONGEST_KEY = 200
MOST_KEYS = 200
LARGEST_VALUE = 16 << 10
LARGEST = 128 << 10
"""The most bytes of one value, and of all values of an account, which every pillar of its nodes contains."""

DEEPEST = 32
MOST_A_MINUTE = 120
"""How many changes an account may make in a minute: each rewrites the pillars of all its nodes."""

OPERATORS = ""
"""Used in place of an account for what operators set for the place's own nodes, which belong to no account."""

KEPT = 500
"""How many changes of an account its history keeps, the newest ones."""


def key(value: object) -> str:
    """The value, if it is a valid key; raises Invalid."""
    if isinstance(value, str) and len(value) <= LONGEST_KEY and ".." not in value and KEY.fullmatch(value):
        return value
    raise Invalid(
        f"{names.shown(value)} can't be a key: use up to {LONGEST_KEY} letters, digits, dots, hyphens, underscores and "
        "slashes, such as 'pub/restart-after'."
    )


def written(value: object) -> str:
    """A value as it is stored: JSON without blanks, the same text for the same value. Raises Invalid."""
    try:
        _check(value, DEEPEST)
        text = json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
        json.dumps(value, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise Invalid("The value can't be kept as JSON: it has lone surrogates, or numbers such as NaN.") from error
    if len(text) > LARGEST_VALUE:
        raise Invalid(f"The value has {len(text)} bytes as JSON; at most {LARGEST_VALUE} are allowed.")
    return text


def _check(value: object, deepest: int) -> None:
    """Raise Invalid for what a minion can't receive: too many levels, or a whole number of more than 64 bits."""
    if deepest == 0:
        raise Invalid(f"The value is nested too deep: at most {DEEPEST} levels are allowed.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Invalid("A whole number must have at most 64 bits: write a longer one as a text.")
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _check(inner, deepest - 1)


def check_room(sizes: Mapping[str, int], key: str, size: int) -> None:
    """Raise Conflict if an account has no room for one more value of that size; ``sizes`` are those of its values by key."""
    after = {**sizes, key: size}
    if len(after) > MOST_KEYS:
        raise Conflict(f"There are {MOST_KEYS} keys, and no more are allowed: delete one first.")
    if sum(after.values()) > LARGEST:
        raise Conflict(
            f"All values together would have more than the {LARGEST} bytes that are allowed: delete some first."
        )


def check_pace(lately: int) -> None:
    """Raise TooMany if that many changes were made in the last minute."""
    if lately >= MOST_A_MINUTE:
        raise TooMany(f"That is more than {MOST_A_MINUTE} changes in a minute: wait a minute.")


def check_revision(key: str, current: Mapping[str, Any] | None, expected: int | None) -> None:
    """Raise Changed if the revision of a key is not ``expected`` (0: no value; None: any).

    ``current`` is the present value, as the API shows it; the error carries it.
    """
    if expected is None or expected == (current["revision"] if current else 0):
        return
    stands = f"now has the revision {current['revision']}" if current else "now has no value"
    raise Changed(f"Somebody else changed it first: {key} {stands}. Look at it, then try again.", current)


def section(revision: int, keys: Mapping[str, tuple[Any, int]]) -> dict[str, Any]:
    """The configuration as it is written to a pillar; ``keys`` maps each key to its value and revision."""
    told = {key: {"value": value, "revision": number} for key, (value, number) in keys.items()}
    return {"revision": revision, "keys": told}


def read(told: object) -> dict[str, Any] | None:
    """The configuration in a pillar, if it has the form of `section`; None otherwise."""
    if not isinstance(told, Mapping) or not isinstance(told.get("revision"), int):
        return None
    keys = told.get("keys")
    if not isinstance(keys, Mapping) or not all(_is_entry(name, one) for name, one in keys.items()):
        return None
    return {"revision": told["revision"], "keys": {name: dict(one) for name, one in keys.items()}}


def _is_entry(name: object, entry: object) -> bool:
    return isinstance(name, str) and isinstance(entry, Mapping) and "value" in entry and "revision" in entry


def missing(key: str) -> NotFound:
    """The error for a key that has no value."""
    return NotFound(f"There is no key {names.shown(key)} in the configuration.")
