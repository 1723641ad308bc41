"""Tickets: each lets its bearer do one thing, once, within a time. The bearer has a random token, the database its hash."""

from enum import StrEnum

from pillar_service.core.durations import DAY_S


class TicketKind(StrEnum):
    """What a ticket is for."""

    NEWBIE = "newbie"
    """Somebody gave an e-mail address and a password on the start page, on the way to their first bot."""
    WELCOME = "welcome"
    """The link by which a newcomer proves that the address is theirs."""
    SECOND_STEP = "second_step"
    """Somebody gave the right password, and must now give the code."""
    RESET = "reset"
    """The link by which somebody who has forgotten the password sets a new one."""
    EMAIL = "email"
    """The link that verifies an account's e-mail address, or changes it to the address that received the link."""


LASTS_S = {
    TicketKind.NEWBIE: 3_600.0,
    TicketKind.WELCOME: DAY_S,
    TicketKind.SECOND_STEP: 600.0,
    TicketKind.RESET: 3_600.0,
    TicketKind.EMAIL: DAY_S,
}
"""How long each is valid, in seconds."""
