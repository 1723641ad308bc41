"""Sessions: who is signed in, and where. The cookie carries a random token, the database its hash."""

import time
from contextlib import suppress
from typing import Any

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import NotFound, Unauthenticated, Unavailable
from pillar_service.core.people import tokens
from pillar_service.store.database import transaction
from pillar_service.store.people import sessions
from pillar_service.usecases.people import accounts
from pillar_service.usecases.people.accounts import Proof
from pillar_service.usecases.service import auditing

IDLE_S = 14 * DAY_S
"""A session that is unused for this long, in seconds, is over."""

SEEN_EVERY_S = 300.0
"""How often, in seconds, a session's use is written down."""

BROWSER_LENGTH = 120

MOST = 50
"""How many sessions an account may have; one more ends the one that was used longest ago."""


def begin(account: str, address: str, browser: str, before: str | None = None, proof: Proof | None = None) -> str:
    """Start a session for an account that has proved who it is, and return its token.

    ``browser`` is what the browser calls itself; ``before`` is the token that this browser had until now, which ends.
    Raises Unauthenticated if the password has changed since the ``proof``.
    """
    token, now = tokens.new_token(), time.time()
    shown = "".join(letter for letter in browser if letter.isprintable())[:BROWSER_LENGTH]
    with transaction():
        if proof is not None and not accounts.is_still(proof):
            raise Unauthenticated(accounts.WRONG)
        sessions.forget(now - IDLE_S, now)
        if before:
            sessions.end(tokens.hash_token(before))
        sessions.end_but(account, MOST - 1)
        sessions.add(tokens.hash_token(token), account, now, address[:100], shown)
        auditing.record(f"account:{account}", "sessions.begin", f"agent:{account}", now)
    return token


def find(token: str, address: str) -> dict[str, Any] | None:
    """Who has that token, as {"account", "session", "name", "role", "state", "is_renewed"}, or None.

    Writes down when the session was used; ``is_renewed`` says that this happened just now, so their cookie should be
    given the session's full life again.
    """
    now = time.time()
    held = sessions.holder(tokens.hash_token(token), now - IDLE_S)
    if held is None:
        return None
    is_renewed = not 0 <= now - held.seen_at < SEEN_EVERY_S  # below 0 it was seen while the clock was ahead
    if is_renewed:
        with suppress(Unavailable), transaction():  # a full disk is no reason to refuse a page
            sessions.seen(held.id, now, address[:100])
    told = {"account": held.account, "session": held.id, "name": held.name, "role": held.role, "state": held.state}
    return {**told, "is_renewed": is_renewed}


def listed(account: str, this: str) -> list[dict[str, Any]]:
    """The sessions of an account, most recently used first; ``this`` is the id of the asker's own."""
    return [
        {
            "id": row.id,
            "is_this": row.id == this,
            "created_at": row.created_at,
            "seen_at": row.seen_at,
            "address": row.address,
            "browser": row.browser,
        }
        for row in sessions.of(account, time.time() - IDLE_S)
    ]


def end(account: str, id: str) -> None:
    """End one session of an account; raises NotFound."""
    with transaction():
        if not sessions.end(id, account):
            raise NotFound("That session is over already.")
        auditing.record(f"account:{account}", "sessions.end", f"agent:{account}", time.time())


def end_others(account: str, this: str | None) -> int:
    """End every session of an account except ``this`` (None: all of them); returns how many."""
    with transaction():
        ended = sessions.end_all(account, this)
        auditing.record(f"account:{account}", "sessions.end_others", f"agent:{account}", time.time(), f"{ended} ended")
        return ended
