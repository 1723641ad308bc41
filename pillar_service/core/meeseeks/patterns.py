"""Regular expressions in the files: those that an argument could keep busy for ever are refused.

Only the usual mistake is detected: a repeat whose content consists only of repeats and optional parts, such as
`(a+-?)+`. The texts to match are short, too.
"""

import operator
import re
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 500
"""The most characters of a pattern."""

MANY = 10
"""A repeat of more than this counts as unbounded."""

_REPEATS = (_parser.MAX_REPEAT, _parser.MIN_REPEAT)


def fault(pattern: str) -> str | None:
    """What is wrong with a pattern, as the end of a sentence; None if nothing is."""
    if len(pattern) > LONGEST:
        return f"is too long: at most {LONGEST} characters"
    try:
        re.compile(pattern)
        busy = _busy(_parser.parse(pattern))
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression ({error})"
    return "repeats a repeat, which can take for ever: put something fixed between them" if busy else None


def _busy(parsed: Any) -> bool:
    for operation, told in parsed:
        if operation in _REPEATS and told[1] > MANY and _only_repeats(told[2]):
            return True
        if any(_busy(inside) for inside in _inside(operation, told)):
            return True
    return False


def _only_repeats(parsed: Any) -> bool:
    repeats = [_is_repeat(operation, told) for operation, told in parsed]
    optional = [operation in _REPEATS and told[0] == 0 for operation, told in parsed]
    return any(repeats) and all(map(operator.or_, repeats, optional))


def _is_repeat(operation: Any, told: Any) -> bool:
    if operation in _REPEATS:
        return bool(told[1] > MANY)
    return any(_only_repeats(inside) for inside in _inside(operation, told))


def _inside(operation: Any, told: Any) -> list[Any]:
    if operation in _REPEATS:
        return [told[2]]
    if operation is _parser.SUBPATTERN:
        return [told[-1]]
    return list(told[1]) if operation is _parser.BRANCH else []
