"""What a token may be used for: the scopes of the public API. This is the only place that decides it.

    read      see bots, their status, jobs and lines
    operate   invite, start, stop, restart, upgrade, rebuild, change
    export    take out a bot's data, including its secret
    account   make and delete bots, see and end tokens

A scope only narrows: what the person may do with a bot is decided in permissions.py, and checked as well.
"""

from collections.abc import Iterable
from enum import StrEnum

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid


class Scope(StrEnum):
    """One thing that a token may be used for."""

    READ = "read"
    OPERATE = "operate"
    EXPORT = "export"
    ACCOUNT = "account"


class TokenKind(StrEnum):
    """Whether a person made the token for a program, or received it by signing in."""

    PERSONAL = "personal"
    SESSION = "session"


def checked(given: object) -> frozenset[Scope]:
    """The scopes in a list of their names; raises Invalid for an unknown one, and for an empty list."""
    if not isinstance(given, list | tuple | set | frozenset) or not given:
        raise Invalid(f"Choose at least one scope: {', '.join(Scope)}.")
    return frozenset(names.one_of(Scope, scope, "scope") for scope in given)


def written(scopes: Iterable[Scope]) -> str:
    """The scopes as text to be stored: their names in the order above, separated by blanks."""
    held = set(scopes)
    return " ".join(scope for scope in Scope if scope in held)


def read(text: str) -> frozenset[Scope]:
    """The scopes in a text of ``written``; unknown names are ignored."""
    return frozenset(Scope(scope) for scope in text.split() if scope in list(Scope))


def require(scope: Scope, held: frozenset[Scope]) -> None:
    """Raise Forbidden if a token that holds these scopes lacks that one."""
    if scope not in held:
        raise Forbidden(f"This token has no scope '{scope}' (it has: {written(held)}): make one that has it.")
