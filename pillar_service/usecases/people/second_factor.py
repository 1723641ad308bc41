"""The second factor: turning it on and off, its recovery codes, and the second step of signing in."""

import base64
import secrets
import time
from typing import Any

import pyotp

from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.people import mails as letters
from pillar_service.core.people import tokens
from pillar_service.core.people.tickets import TicketKind
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.people import second_factor
from pillar_service.usecases.people import accounts, codes, confirming, mails, tickets
from pillar_service.usecases.people.accounts import Proof
from pillar_service.usecases.service import auditing, sealing

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 random bits each: impossible to guess even with the hashes."""

is_on = codes.is_on
check = codes.check


def begin(person: str, password: str) -> None:
    """Make a secret for a person's telephone, which counts once one of its codes is entered. Raises Unauthenticated."""
    _refuse_if_on(person)
    confirming.confirm(person, password)
    with transaction():
        _refuse_if_on(person)
        second_factor.put(person, sealing.seal(codes.SEALED, person, pyotp.random_base32()), time.time())


def _refuse_if_on(person: str) -> None:
    if is_on(person):
        raise Conflict("The second factor is on already: turn it off first.")


def pending(person: str) -> dict[str, str] | None:
    """The secret to put into the telephone, as {"secret", "uri"}; None if there is none, or the second factor is on."""
    found = second_factor.find(person)
    secret = None if found is None or found.is_on else codes.secret(found)
    if secret is None:
        return None
    uri = pyotp.TOTP(secret).provisioning_uri(name=accounts.found(person).email, issuer_name=settings().domain)
    return {"secret": secret, "uri": uri}


def turn_on(person: str, code: str) -> list[str]:
    """Turn the second factor on with its first code; returns the recovery codes, which are shown only once."""
    proven = pending(person)
    if proven is None:
        raise Conflict("No second factor is waiting for its first code: begin again.")
    codes.check(person, code)
    with transaction():
        if pending(person) != proven:
            raise Conflict("Another tab has changed your second factor meanwhile: look at how it is now.")
        second_factor.turn_on(person)
        auditing.record(f"account:{person}", "second_factor.on", f"agent:{person}", time.time())
        return _recovery(person)


def _recovery(person: str) -> list[str]:
    made = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    second_factor.put_recovery(person, [tokens.hash_token(code) for code in made])
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in made]


def renew(person: str, password: str, code: str) -> list[str]:
    """Replace the recovery codes; returns the new ones. Raises Unauthenticated, Conflict."""
    if not is_on(person):
        raise Conflict("The second factor is off: turn it on first.")
    confirming.confirm(person, password, code)
    with transaction():
        auditing.record(f"account:{person}", "second_factor.renew", f"agent:{person}", time.time())
        return _recovery(person)


def turn_off(person: str, password: str, code: str) -> None:
    """Turn the second factor off; raises Unauthenticated."""
    confirming.confirm(person, password, code)
    with transaction():
        second_factor.drop(person)
        auditing.record(f"account:{person}", "second_factor.off", f"agent:{person}", time.time())


def take_off(actor: str, key: object) -> dict[str, Any]:
    """Turn off, as an operator, the second factor that somebody (an account's id or address) has lost.

    The person is told by mail. Returns {"agent", "jobs"}; raises NotFound, Conflict (it is off).
    """
    account = accounts.found(key)
    with transaction():
        if second_factor.find(account.id) is None:
            raise Conflict(f"{account.email} has no second factor: there is nothing to turn off.")
        second_factor.drop(account.id)
        mails.post(account.email, letters.factor_off(settings().domain, f"{settings().address}/account/second-factor"))
        auditing.record(actor, "second_factor.take_off", f"agent:{account.id}", time.time(), account.email)
    return {"agent": accounts.described(account), "jobs": []}


def told(person: str) -> dict[str, Any]:
    """The state of the second factor, as {"is_on", "is_pending", "codes_left"}."""
    left = second_factor.recovery_left(person)
    return {"is_on": is_on(person), "is_pending": pending(person) is not None, "codes_left": left}


def first_step(person: str) -> str:
    """Let a person who gave the right password go on to the code; returns the token for that, good for ten minutes."""
    with transaction():
        return tickets.issue(TicketKind.SECOND_STEP, person)


def second_step(token: str | None, code: str) -> Proof:
    """The proof for the person whose code this is, after the first step; raises Invalid, NotFound, Unauthenticated, TooMany."""
    ticket = tickets.look(TicketKind.SECOND_STEP, token)
    if ticket.account is None or not code:
        raise Invalid("Enter the code your phone shows.")
    codes.check(ticket.account, code)
    with transaction():
        tickets.use(ticket)
        return accounts.proof(accounts.found(ticket.account))
