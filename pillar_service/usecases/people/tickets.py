"""Tickets: issued, looked up, and used once."""

import time
from typing import Any

from pillar_service.core.errors import NotFound
from pillar_service.core.people import tokens
from pillar_service.core.people.tickets import LASTS_S, TicketKind
from pillar_service.store.people import tickets
from pillar_service.store.people.tickets import Ticket

SENTENCES = {
    TicketKind.NEWBIE: "You were away for too long: start again.",
    TicketKind.WELCOME: "That link was used already, or is more than a day old: start again.",
    TicketKind.SECOND_STEP: "You were away for too long: sign in again.",
    TicketKind.RESET: "That link was used already, or is more than an hour old: ask for another.",
    TicketKind.EMAIL: "That link was used already, or is more than a day old: ask for another on your account's page.",
}


def issue(kind: TicketKind, account: str | None, **facts: Any) -> str:
    """Issue a ticket, in the caller's transaction; returns the bearer's token, of which only the hash is kept."""
    token, now = tokens.new_token(), time.time()
    tickets.add(tokens.hash_token(token), kind, account, facts, now, now + LASTS_S[kind])
    return token


def look(kind: TicketKind, token: str | None) -> Ticket:
    """The ticket of that kind, which stays valid; raises NotFound if it was used, is too old or never existed."""
    found = tickets.find(tokens.hash_token(token), kind, time.time()) if token and token.isascii() else None
    if found is None:
        raise NotFound(SENTENCES[kind])
    return found


def use(ticket: Ticket) -> None:
    """Use a ticket up, in the transaction that it is for; raises NotFound if somebody else just has."""
    if not tickets.take(ticket.id):
        raise NotFound(SENTENCES[TicketKind(ticket.kind)])
