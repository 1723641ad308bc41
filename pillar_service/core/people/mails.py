"""Mail: its states, when a delivery is tried again, and the text of our letters."""

import re
from dataclasses import dataclass
from enum import StrEnum

from pillar_service.core import names
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Invalid

TRY_FOR_S = DAY_S
"""A mail that could not be delivered for this many seconds is given up."""

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


def is_hopeless(created_at: float, now: float) -> bool:
    """Whether delivery has been tried for long enough to give up."""
    return now - created_at >= TRY_FOR_S


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
    told = f"Somebody, we hope you, wants to start a bot at {place} with this address. To go on, open\n\n  {link}\n\n"
    return Letter(f"Welcome to {place}", f"{told}within a day. If it was not you, do nothing: nothing was made.\n")


def known(place: str, link: str) -> Letter:
    """To the owner of an account whose address somebody tried to register again."""
    told = f"Somebody tried to register at {place} with your address. You have an account already: sign in, or set\n"
    ending = f"another password, at\n\n  {link}\n\nIf it was not you, do nothing: nothing has changed.\n"
    return Letter(f"You have an account at {place}", told + ending)


def reset(place: str, link: str) -> Letter:
    """To somebody who has forgotten the password."""
    told = f"To set another password for your account at {place}, open\n\n  {link}\n\nwithin an hour. It ends all\n"
    ending = (
        "sessions, all tokens of your programs, and who in Slack is you.\nIf you did not ask for this, do nothing.\n"
    )
    return Letter(f"Another password for {place}", told + ending)


def verify(place: str, link: str) -> Letter:
    """To an address that an account has, or is to have: the link that verifies it."""
    told = f"To use this address for your account at {place}, sign in there and open\n\n  {link}\n\nwithin a day.\n"
    return Letter(f"Your address at {place}", f"{told}If you did not ask for this, do nothing.\n")


def moved(place: str, now: str) -> Letter:
    """To the previous address of an account, which has a new one."""
    told = f"Your account at {place} has another e-mail address now: {now}.\n\n"
    return Letter(f"Your address at {place} has changed", f"{told}If it was not you, write to whoever runs {place}.\n")


def changed(place: str, link: str, besides: str) -> Letter:
    """To somebody whose password was changed; ``besides`` is the text of `ended` or `stay`."""
    told = f"The password of your account at {place} was changed, and all other sessions were ended.\n"
    told += f"{besides}\n" if besides else ""
    return Letter(f"Your password at {place} was changed", f"{told}\nIf it was not you, set another at\n\n  {link}\n")


def ended(tokens: int, users: int) -> str:
    """Lines about what ended with a password: so many tokens of programs, and Slack users linked to the account."""
    told = [f"{_tokens(tokens)} ended with it: make new ones."] if tokens else []
    told += [f"{_users(users)} not you any more: to be it again, write '2fa enrol' there."] if users else []
    return "\n".join(told)


def stay(tokens: int, users: int) -> str:
    """Lines about what a new password leaves valid: so many tokens of programs, and Slack users linked to the account."""
    told = [f"{_tokens(tokens)} {'is' if tokens == 1 else 'are'} good as before."] if tokens else []
    told += [f"{_users(users)} you as before."] if users else []
    return "\n".join([*told, "End on your account's page, and in chat, what is not yours."] if told else [])


def _tokens(count: int) -> str:
    return "One token of your programs" if count == 1 else f"{count} tokens of your programs"


def _users(count: int) -> str:
    return "One user in Slack is" if count == 1 else f"{count} users in Slack are"


def chat_linked(place: str, user: str, link: str) -> Letter:
    """To the owner of an account that was linked to a chat user by somebody signed in to it."""
    told = f"The user {user} in Slack is you at {place} now, and may ask there for what you may. To end it, open\n\n"
    return Letter(f"You in Slack, at {place}", f"{told}  {link}\n\nIf it was not you, set another password, too.\n")


def chat_contested(place: str, user: str, link: str) -> Letter:
    """To the owner of an account linked to a chat user, when somebody tried to link that user to another account."""
    told = f"With another account somebody has said at {place} that they are {user} in Slack, who is you. They were\n"
    ending = (
        "refused, and nothing has changed. But who writes as you in Slack may have asked for that link: if it was not\n"
    )
    way = f"you, look who is signed in there. If you want to be {user} with the other account, end it with this one first:\n"
    return Letter(f"Somebody says that they are you in Slack, at {place}", f"{told}{ending}{way}\n  {link}\n")


def chat_unlinked(place: str, user: str, link: str) -> Letter:
    """To the owner of an account whose link to a chat user was ended by an operator."""
    told = (
        f"Who runs {place} has ended that the user {user} in Slack is you. To be it again, write '2fa enrol' there.\n"
    )
    return Letter(f"No more you in Slack, at {place}", f"{told}What else is you in Slack stands at\n\n  {link}\n")


def factor_off(place: str, link: str) -> Letter:
    """To somebody whose second factor was turned off by an operator because it was lost."""
    told = (
        f"Who runs {place} has turned off the second factor of your account. To turn it on again, open\n\n  {link}\n\n"
    )
    return Letter(f"Your second factor at {place} is off", f"{told}If you did not ask for this, write to them now.\n")


def forwarding_failed(place: str, where: str, why: str, link: str) -> Letter:
    """To whoever made a forwarding that was switched off because nobody accepted its events."""
    told = f"Events were forwarded to {where}, and are not any more. The last try ended so:\n\n  {why}\n\n"
    return Letter(f"{place}: events go to {where} no more", f"{told}To switch it on again, open\n\n  {link}\n")
