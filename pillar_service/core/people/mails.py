"""Mail: its states, when a delivery is tried again, and the text of our letters."""

import re
from dataclasses import dataclass
from enum import StrEnum

from pillar_service.core import names
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Invalid

TRY_FOR_S = DAY_S
"""A mail that could not be delivered for this many seconds is given up."""

LEAST_TRIES = 10
"""How often a mail is tried at least, which takes an hour and a half: the place itself may have been away for days."""

CLAIMED_S = 120.0
"""How long, in seconds, whoever claimed a mail may take to deliver it; then another may claim it."""

LONGEST_PAUSE_S = 3_600.0


class MailState(StrEnum):
    """How far a mail is."""

    QUEUED = "queued"
    SENT = "sent"
    GIVEN_UP = "given_up"
    VOID = "void"
    """Written for an address that nobody has, so that the answer takes as long as for one that exists; never sent."""


def pause_s(attempts: int) -> float:
    """How many seconds to wait after that many failed attempts: 10, 20, 40, … up to an hour."""
    return min(10.0 * 2.0 ** min(max(attempts - 1, 0), 20), LONGEST_PAUSE_S)


def is_hopeless(created_at: float, now: float, attempts: int) -> bool:
    """Whether delivery has been tried for long enough, and often enough, to give up."""
    return now - created_at >= TRY_FOR_S and attempts >= LEAST_TRIES


MAILABLE = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9.-]+", re.ASCII)
"""RFC 5322's dot-atom: anything else ('a,b@x', 'Ann <a@x>') could be read as another address, or as several."""


def address(value: object) -> str:
    """The address in lower case, if mail can be sent to it; raises Invalid."""
    written = names.email(value)
    if MAILABLE.fullmatch(written):
        return written
    raise Invalid(f"We can't send mail to {names.shown(written)}: use an address of letters, digits and . _ + -.")


@dataclass(frozen=True)
class Letter:
    """The subject and text of a mail."""

    subject: str
    text: str


def welcome(place: str, link: str) -> Letter:
    """To a newcomer: the link that leads to the first bot."""
    told = (
        f"Somebody, we hope you, wants to start a bot at {place} with this address. To continue, open\n\n  {link}\n\n"
    )
    return Letter(f"Welcome to {place}", f"{told}within a day. If it was not you, do nothing: no account was made.\n")


def known(place: str, link: str) -> Letter:
    """To the owner of an account whose address somebody tried to register again."""
    told = f"Somebody tried to register at {place} with your address. You already have an account: sign in, or set\n"
    ending = f"another password, at\n\n  {link}\n\nIf it was not you, do nothing: nothing has changed.\n"
    return Letter(f"You have an account at {place}", told + ending)


def reset(place: str, link: str) -> Letter:
    """To somebody who has forgotten the password."""
    told = f"To set another password for your account at {place}, open\n\n  {link}\n\nwithin an hour. A new password\n"
    ending = (
        "ends all sessions, all tokens of your programs and all links to your users in Slack.\n"
        "If you did not ask for this, do nothing.\n"
    )
    return Letter(f"Another password for {place}", told + ending)


def verify(place: str, link: str) -> Letter:
    """To an address that an account has, or is to have: the link that verifies it."""
    told = f"To use this address for your account at {place}, sign in there and open\n\n  {link}\n\nwithin a day.\n"
    return Letter(f"Your address at {place}", f"{told}If you did not ask for this, do nothing.\n")


def moved(place: str, now: str) -> Letter:
    """To the previous address of an account, which has a new one."""
    told = f"Your account at {place} now has another e-mail address: {now}.\n\n"
    return Letter(f"Your address at {place} has changed", f"{told}If it was not you, write to whoever runs {place}.\n")


def changed(place: str, link: str, besides: str) -> Letter:
    """To somebody whose password was changed; ``besides`` is the text of `ended` or `stay`."""
    told = f"The password of your account at {place} was changed, and all other sessions were ended.\n"
    told += f"{besides}\n" if besides else ""
    return Letter(f"Your password at {place} was changed", f"{told}\nIf it was not you, set another at\n\n  {link}\n")


def ended(tokens: int, users: int) -> str:
    """Lines about what ended with a password: so many tokens of programs, and Slack users linked to the account."""
    told = [f"{_tokens(tokens)} ended with it: make new ones."] if tokens else []
    told += (
        [f"{_users(users)} no longer linked to your account: to link again, write '2fa enrol' there."] if users else []
    )
    return "\n".join(told)


def stay(tokens: int, users: int) -> str:
    """Lines about what a new password leaves valid: so many tokens of programs, and Slack users linked to the account."""
    told = [f"{_tokens(tokens)} {'is' if tokens == 1 else 'are'} still valid."] if tokens else []
    told += [f"{_users(users)} still linked to your account."] if users else []
    return "\n".join([*told, "End what is not yours, on your account's page or in chat."] if told else [])


def _tokens(count: int) -> str:
    return "One token of your programs" if count == 1 else f"{count} tokens of your programs"


def _users(count: int) -> str:
    return "One user in Slack is" if count == 1 else f"{count} users in Slack are"


def chat_linked(place: str, user: str, link: str) -> Letter:
    """To the owner of an account that was linked to a chat user by somebody signed in to it."""
    told = f"The user {user} in Slack is now linked to your account at {place}, and may ask there for what you may.\n"
    ending = f"To unlink it, open\n\n  {link}\n\nIf it was not you, set another password, too.\n"
    return Letter(f"A user in Slack is linked to your account at {place}", told + ending)


def chat_contested(place: str, user: str, link: str) -> Letter:
    """To the owner of an account linked to a chat user, when somebody tried to link that user to another account."""
    told = f"Somebody tried to link the user {user} in Slack, who is linked to your account at {place}, to another. That was\n"
    ending = (
        "refused, and nothing has changed. But whoever writes as you in Slack may have asked for that: if it was not\n"
    )
    way = f"you, check who is signed in there. To link {user} to the other account, unlink it from this one first:\n"
    return Letter(f"Somebody tried to link your user in Slack at {place}", f"{told}{ending}{way}\n  {link}\n")


def chat_unlinked(place: str, user: str, link: str) -> Letter:
    """To the owner of an account whose link to a chat user was ended by an operator."""
    told = f"Whoever runs {place} has unlinked the user {user} in Slack from your account. To link it again, write\n"
    ending = f"'2fa enrol' there. What else is linked is listed at\n\n  {link}\n"
    return Letter(f"A user in Slack is no longer linked to your account at {place}", told + ending)


def factor_off(place: str, link: str) -> Letter:
    """To somebody whose second factor was turned off by an operator because it was lost."""
    told = f"Whoever runs {place} has turned off the second factor of your account. To turn it on again, open\n\n  {link}\n\n"
    return Letter(f"Your second factor at {place} is off", f"{told}If you did not ask for this, write to them now.\n")


def forwarding_failed(place: str, where: str, why: str, link: str) -> Letter:
    """To whoever made a forwarding that was switched off because nobody accepted its events."""
    told = f"Events are no longer forwarded to {where}. This is how the last try failed:\n\n  {why}\n\n"
    return Letter(
        f"{place}: events are no longer forwarded to {where}", f"{told}To switch it on again, open\n\n  {link}\n"
    )
