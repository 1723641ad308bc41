"""What a token may be used for: the scopes of the public API, decided here and nowhere else.

    read      see bots, their status, jobs and lines
    operate   invite, start, stop, restart, upgrade, rebuild, change
    export    take a bot's data out, its secret among it
    account   make and delete bots, see and end tokens

A scope only narrows: what the person themselves may do with a bot is in permissions.py, and is asked too.
"""

from collections.abc import Iterable
from enum import StrEnum

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid


class Scope(StrEnum):
    """One thing that a token is good for."""

    READ = "read"
    OPERATE = "operate"
    EXPORT = "export"
    ACCOUNT = "account"


class TokenKind(StrEnum):
    """Whether a person made a token for a program, or signed in and was given it."""

    PERSONAL = "personal"
    SESSION = "session"


def checked(given: object) -> frozenset[Scope]:
    """The scopes in a list of their names; raises Invalid for an unknown one, and for none."""
    if not isinstance(given, list | tuple | set | frozenset) or not given:
        raise Invalid(f"Choose at least one scope: {', '.join(Scope)}.")
    return frozenset(names.one_of(Scope, scope, "scope") for scope in given)


def written(scopes: Iterable[Scope]) -> str:
    """The scopes as they are kept: their names in the order above, with blanks between."""
    held = set(scopes)
    return " ".join(scope for scope in Scope if scope in held)


def read(text: str) -> frozenset[Scope]:
    """The scopes in what ``written`` gave; a name that no longer is one is left out."""
    return frozenset(Scope(scope) for scope in text.split() if scope in list(Scope))


def require(scope: Scope, held: frozenset[Scope]) -> None:
    """Raise Forbidden when a token that holds these scopes is not good for that one."""
    if scope not in held:
        raise Forbidden(f"This token has no scope '{scope}' (it has: {written(held)}): make one that has it.")
