"""Tokens of persons: signing in to the API and out, making tokens for programs, ending them, finding their owners."""

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pillar_service.core import names
from pillar_service.core.durations import DAY_S, is_from_ahead
from pillar_service.core.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable
from pillar_service.core.people import scopes, tokens
from pillar_service.core.people.scopes import Scope, TokenKind
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts as account_rows
from pillar_service.store.people import tokens as rows
from pillar_service.store.people.tokens import Token
from pillar_service.usecases.people import accounts, second_factor
from pillar_service.usecases.service import auditing

SESSION_DAYS = 14
DAYS = (1, 366)
DEFAULT_DAYS = 90
MOST = {TokenKind.PERSONAL: 20, TokenKind.SESSION: 20}
"""How many tokens of a kind a person may have: one more personal token is refused, one more session ends the oldest."""

PREFIX = 8
"""How many characters of a token are kept, so that its owner recognises it; 214 of its 256 bits stay unknown."""

NOTED_EVERY_S = 60.0
"""How often, in seconds, a token's use is written down."""

UNKNOWN = "This token is unknown or has expired: sign in again, or make a new token."


@dataclass(frozen=True)
class Bearer:
    """Who speaks by a token: whose it is, which it is, and what it is good for."""

    account: str
    token: str
    kind: TokenKind
    scopes: frozenset[Scope]

    @property
    def actor(self) -> str:
        """The person, as jobs and the audit name them."""
        return f"account:{self.account}"


def sign_in(email: str, password: str, code: str | None, address: str) -> dict[str, Any]:
    """Give a person who knows the password a token for 14 days, good for everything; returns it with its ``secret``.

    ``code`` is the second factor's, if that is on; ``address`` is where the attempt comes from. Raises what
    accounts.sign_in does, and what second_factor.check does.
    """
    account, password_hash = accounts.sign_in(email, password, address)
    _check_second_factor(account, code)
    now = time.time()
    with transaction():
        rows.forget_expired(account, now)
        there = rows.of(account, TokenKind.SESSION)
        for old in there[: max(0, len(there) - MOST[TokenKind.SESSION] + 1)]:
            rows.forget(old.id)
        expires = now + SESSION_DAYS * DAY_S
        return _add(account, TokenKind.SESSION, "signed in", frozenset(Scope), now, expires, _mark(password_hash))


def _check_second_factor(account: str, code: str | None) -> None:
    """Raise Unauthenticated or TooMany without a right code; the one place where the API asks for a second factor."""
    if second_factor.is_on(account):
        second_factor.check(account, code)


def _mark(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


def refuse_programs(by: Bearer) -> None:
    """Raise Forbidden for a personal token, which may make no tokens: it could give itself scopes that it lacks."""
    if by.kind is not TokenKind.SESSION:
        raise Forbidden("A personal token can't make tokens: sign in (/authentication/sign-in) and use that token.")


def create(person: str, name: object, given: object, days: object = DEFAULT_DAYS) -> dict[str, Any]:
    """Make a token for a program of that person; returns it with its ``secret``, which is told only this once.

    ``given`` are its scopes, ``days`` its life. Raises Invalid, Conflict (too many).
    """
    label, chosen = names.text(name, "name", 100), scopes.checked(given)
    life, now = names.whole_number(days, "number of days", *DAYS) * DAY_S, time.time()
    with transaction():
        rows.forget_expired(person, now)
        most = MOST[TokenKind.PERSONAL]
        if len(rows.of(person, TokenKind.PERSONAL)) >= most:
            raise Conflict(f"You have {most} tokens, the most you may have: end one that you no longer use.")
        return _add(person, TokenKind.PERSONAL, label, chosen, now, now + life, "")


def _add(
    account: str, kind: TokenKind, name: str, held: frozenset[Scope], now: float, expires_at: float, mark: str
) -> dict[str, Any]:
    secret, kept = tokens.new_token(), scopes.written(held)
    made = rows.add(
        id=names.new_id(),
        account=account,
        kind=str(kind),
        name=name,
        prefix=secret[:PREFIX],
        token_hash=tokens.hash_token(secret),
        scopes=kept,
        mark=mark,
        created_at=now,
        expires_at=expires_at,
    )
    auditing.record(f"account:{account}", "tokens.create", f"agent:{account}", now, f"{kind} {made.id}: {kept}")
    return described(made) | {"secret": secret}


def authenticate(token: str) -> Bearer:
    """Whose token this is; raises Unauthenticated if it is unknown, revoked or expired."""
    found, now = rows.with_hash(tokens.hash_token(token)), time.time()
    account = account_rows.find(found.account) if found else None
    if found is None or account is None or not _is_good(found, now):
        raise Unauthenticated(UNKNOWN)
    if found.kind == TokenKind.SESSION and found.mark != _mark(account.password_hash):
        raise Unauthenticated("Your password has changed since: sign in again.")
    if not 0 <= now - (found.last_used_at or 0) <= NOTED_EVERY_S:  # below 0 it was used while the clock was ahead
        _note(found.id, now)
    return Bearer(found.account, found.id, TokenKind(found.kind), scopes.read(found.scopes))


def _is_good(token: Token, now: float) -> bool:
    """Whether a token is valid; a session from while the clock was ahead is not, as it would last until that moment comes."""
    is_void = token.kind == TokenKind.SESSION and is_from_ahead(token.created_at, now)
    return token.expires_at > now and not is_void


def _note(id: str, now: float) -> None:
    with suppress(Unavailable), transaction():  # a full disk or a busy database does not lock anybody out
        rows.used(id, now)


def listed(person: str) -> list[dict[str, Any]]:
    """The valid tokens of a person, of both kinds, each oldest first."""
    now = time.time()
    found = [*rows.of(person, TokenKind.PERSONAL), *rows.of(person, TokenKind.SESSION)]
    return [described(token) for token in found if _is_good(token, now)]


def personal(person: str) -> int:
    """How many valid tokens a person's programs have."""
    now = time.time()
    return sum(token.expires_at > now for token in rows.of(person, TokenKind.PERSONAL))


def end_all(person: str) -> int:
    """End every token of a person, in the caller's transaction; returns how many valid ones were their programs'."""
    ended = personal(person)
    rows.forget_all(person)
    return ended


def revoke(person: str, id: object) -> None:
    """End a token of that person; raises NotFound, also for another person's token."""
    with transaction():
        token = rows.find(person, id) if names.is_id(id) else None
        if token is None:
            raise NotFound(f"You have no token {names.shown(id)}.")
        rows.forget(token.id)
        auditing.record(
            f"account:{person}", "tokens.revoke", f"agent:{person}", time.time(), f"{token.kind} {token.id}"
        )


def described(token: Token) -> dict[str, Any]:
    """A token as the API shows it: everything but the secret."""
    return {
        "id": token.id,
        "kind": token.kind,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": token.scopes.split(),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
