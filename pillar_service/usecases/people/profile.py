"""What a person changes in their own account: name, password, e-mail address."""

import time

from pillar_service.core import names
from pillar_service.core.errors import Conflict, NotFound, Unauthenticated
from pillar_service.core.people import mails as letters
from pillar_service.core.people.limits import Tried
from pillar_service.core.people.tickets import TicketKind
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts as rows
from pillar_service.store.people import agents, sessions
from pillar_service.store.people import tickets as ticket_rows
from pillar_service.usecases.meeseeks import people as chat
from pillar_service.usecases.people import accounts, confirming, limits, mails, passwords, sign_up, tickets, tokens
from pillar_service.usecases.service import auditing


def rename(person: str, name: object) -> None:
    """Change a person's name; raises Invalid."""
    chosen = names.person_name(name)
    with transaction():
        agents.change(person, name=chosen)
        auditing.record(f"account:{person}", "accounts.rename", f"agent:{person}", time.time())


def change_password(person: str, password: str, code: str | None, new: str, session: str | None) -> str:
    """Set another password; all sessions but ``session`` (its id) end. Programs' tokens and linked chat users stay.

    Returns what stays, in lines for the person; raises Unauthenticated, Invalid, TooMany.
    """
    account = accounts.found(person)
    confirming.confirm(person, password, code)
    hashed = passwords.hashed(passwords.checked(new, account.email, account.agent.name, settings().domain))
    with transaction():
        if not accounts.is_still(accounts.proof(account)):  # judging and hashing the new one takes a while
            raise Unauthenticated(confirming.WRONG)
        rows.change(person, password_hash=hashed)
        sessions.end_all(person, session)
        ticket_rows.drop(person, TicketKind.RESET)
        ticket_rows.drop(person, TicketKind.SECOND_STEP)
        users, of_commands = chat.held(person)
        besides = letters.stay(tokens.personal(person) + of_commands, users)
        mails.post(account.email, letters.changed(settings().domain, f"{settings().address}/forgotten", besides))
        auditing.record(f"account:{person}", "accounts.password", f"agent:{person}", time.time())
    return besides


def ask_email(person: str, password: str, code: str | None, email: object, address: str) -> bool:
    """Send a link to the address that an account has or wants to have; returns whether one was sent.

    If somebody else has that address, only they learn of it, by mail. Without mail the address is changed at once,
    unverified, and False is returned. Raises Unauthenticated, Invalid, TooMany, Conflict (only without mail: the
    address is taken).
    """
    written = letters.address(email)
    confirming.confirm(person, password, code)
    limits.spend(Tried.MAIL, written, address)
    place, here = settings().domain, settings().address
    with transaction():
        holder = rows.with_email(written)
        if not mails.is_set_up():
            _move(person, written, None)
            return False
        ticket_rows.drop(person, TicketKind.EMAIL)
        token = tickets.issue(TicketKind.EMAIL, person, email=written)
        theirs = holder is not None and holder.id != person
        told = letters.known(place, f"{here}/sign-in") if theirs else letters.verify(place, f"{here}/verify/{token}")
        mails.post(written, told)
        return True


def asked_email(person: str, token: str) -> str:
    """The address that a link is for; raises NotFound if it is not this person's, was used, or is too old."""
    ticket = tickets.look(TicketKind.EMAIL, token)
    if ticket.account != person:
        raise NotFound("That link is for another account: sign in with that one, then open it again.")
    return str(ticket.facts["email"])


def verify_email(person: str, token: str) -> str:
    """Switch the account to the address that the link was sent to; returns it. Raises NotFound, Conflict (taken since)."""
    email = asked_email(person, token)
    with transaction():
        tickets.use(tickets.look(TicketKind.EMAIL, token))
        _move(person, email, time.time())
    return email


def _move(person: str, email: str, verified_at: float | None) -> None:
    before, holder = accounts.found(person), rows.with_email(email)
    if holder is not None and holder.id != person:
        raise Conflict(sign_up.TAKEN)
    is_same = before.email == email
    rows.change(person, email=email, verified_at=verified_at or (before.verified_at if is_same else None))
    if not is_same:
        ticket_rows.drop(person, TicketKind.RESET)
        mails.post(before.email, letters.moved(settings().domain, email))
    auditing.record(f"account:{person}", "accounts.email", f"agent:{person}", time.time())
