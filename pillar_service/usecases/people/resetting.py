"""A forgotten password: a link sent by mail sets another, or an operator gives one."""

import secrets
import time
from typing import Any

from pillar_service.core.errors import Conflict, NotFound
from pillar_service.core.people import mails as letters
from pillar_service.core.people.limits import Tried
from pillar_service.core.people.tickets import TicketKind
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts, sessions
from pillar_service.store.people import tickets as rows
from pillar_service.store.people.accounts import Account
from pillar_service.usecases.meeseeks import people as chat
from pillar_service.usecases.people import accounts as usecase
from pillar_service.usecases.people import limits, mails, passwords, tickets, tokens
from pillar_service.usecases.service import auditing


def ask(email: object, address: str) -> None:
    """Send a reset link to that address if it has an account; for any other the same work is done, but nothing is sent.

    Raises Invalid (no address that mail can be sent to), TooMany, Conflict (this place sends no mail).
    """
    written = letters.address(email)
    if not mails.is_set_up():
        raise Conflict("This place sends no mail: ask whoever runs it for a new password.")
    limits.spend(Tried.MAIL, written, address)
    with transaction():
        account = accounts.with_email(written)
        token = tickets.issue(TicketKind.RESET, account.id if account else None)
        told = letters.reset(settings().domain, f"{settings().address}/reset/{token}")
        mails.post(written, told, is_void=account is None)


def look(token: str) -> None:
    """Check a reset link; raises NotFound if it was used, or is too old."""
    tickets.look(TicketKind.RESET, token)


def reset(token: str, password: str) -> str:
    """Set another password; all sessions, tokens, open tickets and linked chat users end.

    Whoever asks has lost hold of the account. Returns what ended besides sessions, in lines for the person. Raises
    NotFound, Invalid.
    """
    ticket, now = tickets.look(TicketKind.RESET, token), time.time()
    account = accounts.find(str(ticket.account))
    known = (account.email, account.agent.name) if account else ()
    hashed = passwords.hashed(passwords.checked(password, *known, settings().domain))
    with transaction():
        tickets.use(ticket)
        if account is None or account.agent.removed_at is not None:
            return ""
        accounts.change(account.id, verified_at=account.verified_at or now)
        return _set(f"account:{account.id}", account, hashed)


def give(actor: str, key: object) -> dict[str, Any]:
    """Give somebody (an account's id or address) a new password, as an operator; the same things end as in `reset`.

    Used where there is no mail to send a link. Returns {"agent", "jobs", "password"}; the password is told only this
    once. Raises NotFound.
    """
    password = secrets.token_urlsafe(12)
    hashed = passwords.hashed(password)
    with transaction():
        account = usecase.found(key)
        if account.agent.removed_at is not None:
            raise NotFound("That account was deleted.")
        _set(actor, account, hashed)
        return {"agent": usecase.described(account), "jobs": [], "password": password}


def _set(actor: str, account: Account, hashed: str) -> str:
    accounts.change(account.id, password_hash=hashed)
    sessions.end_all(account.id)
    rows.drop(account.id)
    users, of_commands = chat.end(account.id)
    ended = tokens.end_all(account.id) + of_commands
    besides = letters.ended(ended, users)
    mails.post(account.email, letters.changed(settings().domain, f"{settings().address}/forgotten", besides))
    said = f"{ended} tokens ended, {users} chat users unlinked"
    auditing.record(actor, "accounts.reset", f"agent:{account.id}", time.time(), said)
    return besides
