"""Facts: what a node reports about itself, without secrets, and which of it changed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pillar_service.core.errors import Invalid
from pillar_service.core.jobs import redaction
from pillar_service.core.jobs.redaction import HIDDEN

EVENT_TYPE = "nz.butt.saltcellar.facts"
LARGEST = 64 << 10
"""The most characters of a node's facts, as JSON."""

DEEPEST, LONGEST, LONGEST_NAME = 10, 2000, 64
"""The most levels, the most characters of one value, and the most of one name."""

TOO_LONG = "(too long)"

EVERY_S = 600.0
"""How often facts are sent though nothing changed, in seconds; each node does it a little earlier or later."""

KEPT = 100
"""How many changes of a node's facts its history keeps, the newest ones."""

MOST_CHANGES, LONGEST_SHOWN = 200, 200
"""How many facts of one change are listed, and how many characters of each."""


def checked(given: object) -> dict[str, Any]:
    """Facts as they are kept: without secrets, whoever sent them; raises Invalid."""
    if not isinstance(given, Mapping):
        raise Invalid("Facts must be an object of names and values.")
    try:
        size = len(written(given))
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("These facts can't be kept as JSON.") from error
    if size > LARGEST:
        raise Invalid(f"The facts have {size} characters as JSON; at most {LARGEST} are kept.")
    return {_name(key): _of(key, value, DEEPEST) for key, value in given.items()}


def _of(name: object, value: Any, deepest: int) -> Any:
    """The value under a name; hidden if the name suggests a secret."""
    return HIDDEN if redaction.is_secret(str(name)) and value not in (None, "") else _clean(value, deepest)


def _clean(value: Any, deepest: int) -> Any:
    if isinstance(value, str):
        return _text(value, LONGEST)
    if isinstance(value, Mapping):
        return {_name(key): _of(key, one, deepest - 1) for key, one in value.items()} if deepest else HIDDEN
    if isinstance(value, list | tuple):
        return _list(value, deepest - 1) if deepest else HIDDEN
    return value


def _list(values: list[Any] | tuple[Any, ...], deepest: int) -> list[Any]:
    if len(values) == 2 and isinstance(values[0], str):  # a pair of name and value, as in the grain kernelparams
        return [_clean(values[0], deepest), _of(values[0], values[1], deepest)]
    return [_clean(one, deepest) for one in values]


def _name(key: object) -> str:
    return _text(str(key), LONGEST_NAME)


def _text(value: str, longest: int) -> str:
    if len(value) > longest:
        return TOO_LONG
    # A lone surrogate can't be encoded, so it can't be shown.
    whole = value.encode(errors="replace").decode()
    return HIDDEN if redaction.has_secret(whole) else redaction.text(whole)


def written(facts: Mapping[str, Any]) -> str:
    """Facts as JSON: the same text for the same facts."""
    return json.dumps(facts, allow_nan=False, sort_keys=True, separators=(",", ":"))


def digest(facts: Mapping[str, Any]) -> str:
    """A hash of the facts' content."""
    return hashlib.sha256(written(facts).encode()).hexdigest()


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each single fact as text, with its path, such as `docker:version`."""
    if isinstance(value, Mapping) and (value or not path):
        for key in sorted(value):
            yield from flat(value[key], f"{path}:{key}" if path else key)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """The facts that differ, each with its value ``before`` and ``after`` (None: it was not there, or is gone)."""
    was, now = dict(flat(before)), dict(flat(after))
    other = sorted(path for path in {*was, *now} if was.get(path) != now.get(path))
    return [
        {"fact": shown(path), "before": _shown(was.get(path)), "after": _shown(now.get(path))}
        for path in other[:MOST_CHANGES]
    ]


def shown(value: str) -> str:
    """A fact's path or value, cut to the length that a page shows."""
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"


def _shown(value: str | None) -> str | None:
    return None if value is None else shown(value)
