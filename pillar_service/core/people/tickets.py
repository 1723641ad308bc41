"""Tickets: each lets its bearer do one thing, once, for a while. The bearer has a random token, the database its hash."""

from enum import StrEnum

from pillar_service.core.durations import DAY_S


class TicketKind(StrEnum):
    """What a ticket is for."""

    NEWBIE = "newbie"
    """Who wrote an e-mail address and a password on the start page, on the way to their first bot."""
    WELCOME = "welcome"
    """The link by which a newcomer shows that the address is theirs."""
    SECOND_STEP = "second_step"
    """Who wrote the right password, on the way to write the code."""
    RESET = "reset"
    """The link by which somebody who has forgotten the password sets another."""
    EMAIL = "email"
    """The link by which an account's e-mail address is verified, or changed to the one that got it."""


LASTS_S = {
    TicketKind.NEWBIE: 3_600.0,
    TicketKind.WELCOME: DAY_S,
    TicketKind.SECOND_STEP: 600.0,
    TicketKind.RESET: 3_600.0,
    TicketKind.EMAIL: DAY_S,
}
"""For how many seconds each may be used."""
