"""Signing up: from an e-mail address and a password to an account with its first bot.

Nobody learns here who has an account, except somebody who knows its password:

1. `start` answers a right password with the account. An unknown address and a wrong password are treated alike: the
   same checks, one password verified and one hashed, the same ticket, the same next page. What was typed waits in the
   ticket's row (the password hashed), and the browser holds the ticket's random token.
2. `ask` takes the person's name and the bot's, and sends one mail: to an unknown address the link to go on with, to a
   known one the news that somebody tried. Again the work and the page are the same: "look into your mailbox".
3. `finish` is for whoever opens the link: account and bot are made in one transaction. The link alone is not enough; it
   takes the browser that began, or the password. Otherwise somebody could begin with another person's address, and wait
   for that person to confirm an account whose password somebody else chose.

If no node can take the bot, the account is made alone: a place may live on the nodes that its people bring.

If no mail is set up, `ask` makes account and bot at once; then a taken address can't be hidden, and only the limit of
attempts from one network protects it.
"""

import time
from typing import Any, NamedTuple

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Full, Invalid, Unauthenticated
from pillar_service.core.people import mails as letters
from pillar_service.core.people import tokens
from pillar_service.core.people.agents import AccountRole
from pillar_service.core.people.limits import Tried
from pillar_service.core.people.tickets import TicketKind
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts as rows
from pillar_service.usecases.bots import bots, refusing
from pillar_service.usecases.payments import subscriptions
from pillar_service.usecases.people import accounts, holds, limits, mails, passwords, tickets

JOIN = "/join/"
"""How the path of an invitation begins: somebody who comes from there joins a bot, and needs none of their own."""

TAKEN = "That address can't be used for a new account. If it is yours, sign in with it."


UNPAID = "The trial or paid time of your earlier account is over: pay first, then make a bot."
SUSPENDED = "Your account was suspended when you left, and still is: ask whoever runs this place why."


class Made(NamedTuple):
    """A new account (its id); ``refused`` says why the bot that was named with it could not be poured."""

    account: str
    refused: str = ""


def start(email: object, password: str, address: str) -> dict[str, Any]:
    """Check an address and a password: {"account": its proof} if they belong together, else {"newbie": token}.

    Raises Invalid (no address that mail can be sent to, a password too easy to guess), TooMany.
    """
    written = letters.address(email)
    try:
        return {"account": accounts.sign_in(written, password, address)}
    except Unauthenticated:
        chosen = passwords.checked(password, written, settings().domain)
    limits.spend(Tried.START, written, address)
    facts = {"email": written, "password_hash": passwords.hashed(chosen)}
    with transaction():
        return {"newbie": tickets.issue(TicketKind.NEWBIE, None, **facts)}


def begun(token: str | None) -> str:
    """The address that was entered on the start page; raises NotFound if that was too long ago."""
    return str(tickets.look(TicketKind.NEWBIE, token).facts["email"])


def ask(token: str | None, name: object, bot: object, address: str, then: str = "") -> Made | None:
    """Go on with the person's name and the first bot's: returns None if a mail was sent, else what was made.

    ``then`` is the path that they wanted to reach; if it is an invitation, no bot need be named.
    Raises NotFound (too long ago), Invalid, TooMany, Conflict (the bot's name is taken, or without mail the address).
    """
    ticket = tickets.look(TicketKind.NEWBIE, token)
    facts = {**ticket.facts, "name": names.person_name(name), "bot": _bot(bot, then.startswith(JOIN)), "then": then}
    if facts["bot"]:
        refusing.if_taken(facts["bot"], None)
    limits.spend(Tried.MAIL, facts["email"], address)
    with transaction():
        is_known = rows.with_email(facts["email"]) is not None
        if mails.is_set_up():
            _send(facts | {"browser": ticket.id}, is_known)
            return None
        if is_known:
            raise Conflict(TAKEN)
        tickets.use(ticket)
        return _make(facts, facts["bot"], None)


def _bot(bot: object, may_be_none: bool) -> str:
    if bot:
        return names.bot_name(bot)
    if may_be_none:
        return ""
    raise Invalid("Name your bot.")


def register(email: object, password: object, name: object, address: str) -> bool:
    """Ask for an account alone, as a program does: True if a mail was sent, whose link `finish` is for.

    Without mail the account is made at once, unless the address has one; the answer is the same either way. Raises
    Invalid, TooMany.
    """
    written = letters.address(email)
    told = names.person_name(written if name is None else name)
    limits.spend(Tried.START, written, address)  # first: judging and hashing a password is work
    hashed = passwords.hashed(passwords.checked(password, written, told, settings().domain))
    limits.spend(Tried.MAIL, written, address)
    with transaction():
        is_known = rows.with_email(written) is not None
        if mails.is_set_up():
            _send(
                {"email": written, "password_hash": hashed, "name": told, "bot": "", "browser": "", "then": ""},
                is_known,
            )
        elif not is_known:
            accounts.add(None, written, told, hashed, AccountRole.PERSON)
    return mails.is_set_up()


def _send(facts: dict[str, Any], is_known: bool) -> None:
    place, link = settings().domain, f"{settings().address}/welcome/{tickets.issue(TicketKind.WELCOME, None, **facts)}"
    told = letters.known(place, f"{settings().address}/sign-in") if is_known else letters.welcome(place, link)
    mails.post(facts["email"], told)


def invited(token: str, browser: str | None) -> dict[str, Any]:
    """What the link from the mail leads to: {"email", "bot", "then", "needs_password"}; raises NotFound.

    ``browser`` is the token that `start` gave to this browser, if any.
    """
    facts = tickets.look(TicketKind.WELCOME, token).facts
    told = {"email": facts["email"], "bot": facts["bot"], "then": facts.get("then", "")}
    return told | {"needs_password": not _began(facts, browser)}


def _began(facts: dict[str, Any], browser: str | None) -> bool:
    return bool(browser) and tokens.hash_token(str(browser)) == facts["browser"]


def finish(token: str, bot: object, password: str, browser: str | None) -> Made:
    """Make the account and its first bot, if one is named; somebody who began without naming one need not now.

    ``password`` is checked only in another browser than the one that began. Raises NotFound (the link was used, or is
    too old), Unauthenticated, TooMany, Conflict (the bot's name is taken).
    """
    ticket = tickets.look(TicketKind.WELCOME, token)
    chosen = _bot(bot, not ticket.facts["bot"] or ticket.facts.get("then", "").startswith(JOIN))
    if not _began(ticket.facts, browser):
        limits.spend(Tried.CONFIRM, ticket.id)
        if not passwords.is_right(ticket.facts["password_hash"], password):
            raise Unauthenticated("That is not the password you signed up with: check it, then try again.")
    with transaction():
        tickets.use(ticket)
        return _make(ticket.facts, chosen, time.time())


def _make(facts: dict[str, Any], bot: str, verified_at: float | None) -> Made:
    hashed = facts["password_hash"]
    id = accounts.add(None, facts["email"], facts["name"], hashed, AccountRole.PERSON, verified_at)
    if bot and not subscriptions.may_pour(id, time.time()):
        return Made(id, SUSPENDED if holds.held_by_operator(id) else UNPAID)
    try:
        if bot:
            bots.create(f"account:{id}", bot, id)
    except Full as error:  # raised before anything of the bot is written
        return Made(id, error.sentence)
    return Made(id)
