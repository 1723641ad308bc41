"""Sharing a bot: who may leave, who may be given the bot, and how long an invitation by mail is valid."""

from collections.abc import Collection, Mapping

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Invalid, NotFound, TooMany
from pillar_service.core.people.agents import Belonging

LASTS_S = 7 * DAY_S
"""How long an invitation is valid, in seconds."""

OPEN_MOST = 20
"""How many invitations to a bot may be open at a time."""

DAY_MOST = 50
"""How many invitations a person may send in a day: each is a mail to somebody who did not ask for it."""

NOT_VALID = (
    "This invitation is no longer valid: it was used, taken back, or is older than 7 days. "
    "Ask whoever sent it for a new one."
)
"""The same for every invitation that can't be accepted, so that guessing reveals nothing."""


def refuse_too_many(still_open: int, sent_today: int) -> None:
    """Raise TooMany if no further invitation may be sent now."""
    if still_open >= OPEN_MOST:
        raise TooMany(f"{OPEN_MOST} invitations to this bot are open: take one back, or wait until one is used.")
    if sent_today >= DAY_MOST:
        raise TooMany(f"You have sent {DAY_MOST} invitations within a day: wait until tomorrow.")


def without(people: Mapping[str, Belonging], active: Collection[str], who: str) -> None:
    """Check that a person may leave the bot; ``active`` are the people whose accounts are not suspended.

    Raises NotFound if they do not belong to it, and Conflict if no owner would remain whose bot may run.
    """
    if who not in people:
        raise NotFound("This person does not belong to the bot.")
    owners = [person for person, role in people.items() if role is Belonging.OWNER and person in active]
    if people[who] is Belonging.OWNER and owners in ([], [who]):
        raise Conflict("A bot needs an owner: hand it over to another member first.")


def handed_over(
    people: Mapping[str, Belonging], active: Collection[str], giver: str, taker: str
) -> dict[str, Belonging]:
    """The changes when one person hands the bot over to another: the giver stays as a member.

    Raises Invalid (to oneself, or to somebody who owns it already), NotFound (to somebody who is no member) and
    Conflict (to a suspended account, with which the bot would stop).
    """
    if taker not in people:
        raise NotFound("A bot can only be handed over to a member: invite that person first.")
    if taker == giver or people[taker] is Belonging.OWNER:
        raise Invalid("This person already owns the bot: choose another member.")
    if taker not in active:
        raise Conflict("That account is suspended, and the bot would stop with it: choose another member.")
    return {giver: Belonging.MEMBER, taker: Belonging.OWNER}
