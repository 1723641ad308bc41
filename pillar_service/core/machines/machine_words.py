"""The words of a machine's file and their values: each has a function that returns the value, or raises Invalid."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pillar_service.core import durations, names
from pillar_service.core.errors import Invalid
from pillar_service.core.machines import expressions
from pillar_service.core.machines.machines import NUMBERS, Kind
from pillar_service.core.meeseeks import templates
from pillar_service.core.nodes import governors

WORD = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
"""The name of a state, an event, a watcher, or a value in the machine's memory."""

USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,198}[A-Za-z0-9])?", re.ASCII)

MOST_WORDS = 50
LONGEST_TIMEOUT_S = 3600

Value = Callable[[Any, frozenset[str]], Any]
"""A function that returns the value of a word, given the names that `{…}` and expressions may use there."""


def word(value: object, what: str) -> str:
    """The value, if it can name something in a machine; raises Invalid. ``what`` says what, as in 'an event'."""
    if isinstance(value, str) and WORD.fullmatch(value):
        return value
    raise Invalid(
        f"{names.shown(value)} can't name {what}: use up to 40 lower-case letters, digits and _, with a letter first."
    )


def machine(value: object) -> str:
    """The value, if it is a valid name for a machine; raises Invalid."""
    if isinstance(value, str) and names.SHORT_NAME.fullmatch(value):
        return value
    raise Invalid(f"{names.shown(value)} can't name a machine: use up to 40 lower-case letters, digits and hyphens.")


def remembered(value: Any) -> Any:
    """The value, if a machine may remember it: a number, a short text, yes, no or nothing; raises Invalid."""
    if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 1000):
        return value
    raise Invalid("A machine can only remember numbers, texts of up to 1000 characters, yes, no and nothing.")


def filled(value: object, known: frozenset[str]) -> str:
    """A text in which each `{…}` is a known name; raises Invalid."""
    if not isinstance(value, str) or not value or len(value) > 1000 or "\0" in value:
        raise Invalid(f"This must be a text of 1 to 1000 characters, not {names.shown(value)}.")
    if strange := sorted(templates.places(value) - known):
        raise Invalid(f"{{{strange[0]}}} is not known here; use one of: {', '.join(sorted(known))}.")
    return value


def argv(value: object, known: frozenset[str]) -> tuple[str, ...]:
    """An argument list; raises Invalid for a command line that a shell would have to read."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_WORDS:
        raise Invalid(
            f"This must be a list of 1 to {MOST_WORDS} words, such as [docker, ps]: it does not run in a shell."
        )
    return tuple(filled(one, known) for one in value)


def length(least: int, most: int) -> Value:
    """A check for a length of time from ``least`` to ``most`` seconds."""

    def seconds(value: Any, _: frozenset[str]) -> int:
        found = durations.seconds(value)
        if not least <= found <= most:
            raise Invalid(f"This must be from {durations.words(least)} to {durations.words(most)}.")
        return found

    return seconds


def user(value: object, _: frozenset[str]) -> str:
    """The value, if it is a valid name for a user of the node's system; raises Invalid."""
    if isinstance(value, str) and USER.fullmatch(value):
        return value
    raise Invalid(f"{names.shown(value)} can't be a user's name.")


def governor(value: object, _: frozenset[str]) -> str:
    """The value, if it is a valid name for a governor; raises Invalid."""
    return governors.name(value)


def url(value: object, known: frozenset[str]) -> str:
    """The URL to request; raises Invalid."""
    text = filled(value, known)
    try:
        parts = urlsplit(text)
    except ValueError:  # brackets that are no IPv6 address
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        raise Invalid(
            f"{names.shown(value)} must be an address such as http://127.0.0.1:8080/health, without a password."
        )
    return text


def path(value: object, known: frozenset[str]) -> str:
    """An absolute path; raises Invalid."""
    text = filled(value, known)
    if not text.startswith(("/", "{data}", "{checks}")) or ".." in text.split("/"):
        raise Invalid(
            f"{names.shown(value)} must be an absolute path, or begin with {{data}} or {{checks}}, without '..'."
        )
    return text


def number(value: object, _: frozenset[str]) -> str:
    """The value, if it names something that a metric watcher can measure; raises Invalid."""
    if isinstance(value, str) and value in NUMBERS:
        return value
    raise Invalid(f"{names.shown(value)} can't be measured; use one of: {', '.join(NUMBERS)}.")


def key(value: object, _: frozenset[str]) -> str:
    """The value, if it is a key of an account's configuration; raises Invalid."""
    if isinstance(value, str) and KEY.fullmatch(value) and ".." not in value:
        return value
    raise Invalid(f"{names.shown(value)} can't be a configuration key.")


def after(value: object, known: frozenset[str]) -> int | str:
    """How long a timer waits: a length of time, or an expression of seconds; raises Invalid."""
    try:
        return durations.seconds(value)
    except Invalid:
        return expressions.checked(value, known)


def cron(value: object, _: frozenset[str]) -> str:
    """The five fields of a crontab; the library that computes the times checks their meaning. Raises Invalid."""
    if isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z*/,#-]+(?: [0-9A-Za-z*/,#-]+){4}", value, re.ASCII):
        return value
    raise Invalid(f"{names.shown(value)} must be five fields as in a crontab, such as '30 3 * * *' (UTC).")


TIMEOUT = length(1, LONGEST_TIMEOUT_S)

SETTINGS: Mapping[Kind, Mapping[str, tuple[Value, Any]]] = {
    Kind.EXEC: {"command": (argv, ...), "timeout": (TIMEOUT, 30), "user": (user, "root")},
    Kind.CONTAINER: {"container": (filled, "{container}"), "lately": (length(10, 86_400), 600)},
    Kind.HTTP: {"url": (url, ...), "timeout": (length(1, 60), 5)},
    Kind.FILE: {"path": (path, ...)},
    Kind.METRIC: {"metric": (number, ...), "path": (path, "/")},
    Kind.KV: {"key": (key, ...)},
    Kind.EXPRESSION: {},
    Kind.SCHEDULE: {"cron": (cron, ...)},
    Kind.TIMER: {"after": (after, ...)},
}
"""The words of each kind of watcher, each with its check and its default; `...` means that it has none."""

UNASKED: Mapping[Kind, str] = {Kind.FILE: "changed", Kind.KV: "changed"}
"""The condition of a watcher without `when`; timers and schedules have none, the other kinds require it."""
