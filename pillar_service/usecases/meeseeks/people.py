"""People in chat: which account is a chat user's. They say so themselves, signed in, with a link that only they get."""

import time
from collections.abc import Callable
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Forbidden, NotFound
from pillar_service.core.meeseeks.roles import CHAT_USER, Caller
from pillar_service.core.people import mails as letters
from pillar_service.core.people import tokens
from pillar_service.core.people.agents import AccountState
from pillar_service.core.people.mails import Letter
from pillar_service.settings import settings
from pillar_service.store.chat import chat_people
from pillar_service.store.chat.chat_people import ChatLink
from pillar_service.store.database import transaction
from pillar_service.store.meeseeks import aliases, command_tokens
from pillar_service.store.people import accounts
from pillar_service.store.people.accounts import Account
from pillar_service.usecases.meeseeks.asker import Asker, of_chat
from pillar_service.usecases.people import mails
from pillar_service.usecases.service import auditing

LINK_S = 600.0
"""How long a link is valid."""


def asker(team: str, user: str, channel: str = "") -> Asker:
    """A chat user (team and user id) as an asker, in a channel (its id, or `direct`)."""
    account = accounts.find(chat_people.account(team, user) or "")
    return Asker(of_chat(team, user), Caller(team, user) if account is None else _caller(account, team, user), channel)


def _caller(account: Account, team: str = "", user: str = "") -> Caller:
    return Caller(team, user, account.email, AccountState(account.state), account.verified_at is not None)


def named(user: object) -> Caller:
    """The caller for a user as roles name them: `TEAM/USER`, or an account's address; raises Invalid."""
    if isinstance(user, str) and CHAT_USER.fullmatch(user):
        team, _, id = user.partition("/")
        return asker(team, id).caller or Caller(team, id)
    address = names.email(user)
    found = accounts.with_email(address)
    return Caller(email=address) if found is None else _caller(found)


def asking_as(user: object, channel: str) -> Asker:
    """The asker that a user would be in a channel; raises Invalid."""
    caller = named(user)
    if caller.team:
        return asker(caller.team, caller.user, channel)
    found = accounts.with_email(caller.email or "")
    return Asker("" if found is None else f"account:{found.id}", caller, channel)


def of_actor(actor: str) -> Caller | None:
    """The caller that an actor (`chat:TEAM/USER`, `account:ID`) is now; None for masters and their operators."""
    kind, _, id = actor.partition(":")
    if kind == "chat":
        team, _, user = id.partition("/")
        return asker(team, user).caller
    found = accounts.find(id) if kind == "account" else None
    return None if found is None else _caller(found)


def selves(actor: str) -> set[str]:
    """Every actor that the person behind an actor is now: their account, and its chat users."""
    found = person(actor)
    return {actor} | (set() if found is None else _actors(found))


def person(actor: str) -> str | None:
    """The id of the account that an actor belongs to now, or None."""
    kind, _, id = actor.partition(":")
    if kind == "chat":
        team, _, user = id.partition("/")
        return chat_people.account(team, user)
    return id if kind == "account" else None


def _actors(person: str) -> set[str]:
    return {f"account:{person}", *(of_chat(one.team, one.user_id) for one in chat_people.of(person))}


def account(of: Asker) -> str:
    """The id of the asker's account; raises Forbidden, saying what to do, if they have none."""
    found = person(of.actor)
    if found is None:
        raise Forbidden("I don't know your account here: write '2fa enrol', and open the link that I give you.")
    return found


def invite(of: Asker) -> str:
    """The address of a page on which a chat user says which account is theirs; for their eyes only. Raises Forbidden."""
    if of.caller is None or not of.caller.team:
        raise Forbidden("Only somebody in chat can link their account.")
    token, now = tokens.new_token(), time.time()
    with transaction():
        chat_people.add_link(tokens.hash_token(token), of.caller.team, of.caller.user, now, now + LINK_S)
    return f"{settings().address}/chat/link/{token}"


def look(token: str) -> str:
    """The chat user (`TEAM/USER`) whom a link was given to; raises NotFound."""
    found = _given(token, time.time())
    return f"{found.team}/{found.user_id}"


def _given(token: str, now: float) -> ChatLink:
    found = chat_people.find_link(tokens.hash_token(token), now)
    if found is None:
        raise NotFound("That link was used already, or is older than ten minutes: ask for another one in chat.")
    return found


def link(person: str, token: str) -> str:
    """Link a person (an account's id), who is signed in, to the chat user of a link; returns `TEAM/USER`.

    A mail tells them: whoever opens a link meant for somebody else lets that other person ask in their name. The link
    is used up in any case. Raises NotFound, and Conflict if the chat user already is another account, whom a mail
    tells: otherwise whoever can write as somebody in Slack would need no code of theirs.
    """
    now = time.time()
    with transaction():
        found = _given(token, now)
        chat_people.use_link(found.id)
        user, before = f"{found.team}/{found.user_id}", chat_people.account(found.team, found.user_id)
        if before in (None, person):
            chat_people.put(found.team, found.user_id, person, now)
            _tell(person, letters.chat_linked, user)
            auditing.record(f"account:{person}", "meeseeks.link", f"agent:{person}", now, user)
            return user
        _tell(str(before), letters.chat_contested, user)
        auditing.record(f"account:{person}", "meeseeks.link_refused", f"agent:{before}", now, user)
    raise Conflict(
        f"{user} in Slack is linked to another account here: unlink it on that account's page first, or ask an "
        "operator to."
    )


def _tell(person: str, letter: Callable[[str, str, str], Letter], user: str) -> None:
    account = accounts.find(person)
    if account is not None:
        mails.post(account.email, letter(settings().domain, user, f"{settings().address}/account"))


def listed(person: str) -> list[dict[str, Any]]:
    """The chat users of a person (an account's id), as {"team", "user", "at"}."""
    return [{"team": one.team, "user": one.user_id, "at": one.at} for one in chat_people.of(person)]


def held(person: str) -> tuple[int, int]:
    """How many chat users a person has, and how many valid command tokens."""
    now, actors = time.time(), _actors(person)
    return len(chat_people.of(person)), sum(len(command_tokens.listed(actor, now)) for actor in actors)


def end(person: str) -> tuple[int, int]:
    """Unlink a person's chat users and end their command tokens, in the caller's transaction; returns counts as `held`.

    The chat users of a suspended person stay linked: unlinked, they would regain what roles grant them by their own
    ids.
    """
    links, good = held(person)
    command_tokens.forget_of(sorted(_actors(person)))
    if _is_suspended(person):
        return 0, good
    chat_people.forget_all(person)
    return links, good


def _is_suspended(person: str) -> bool:
    account = accounts.find(person)
    return account is not None and account.state == AccountState.SUSPENDED


def forget(person: str) -> None:
    """Delete a person's links to chat users, tokens and aliases, in the caller's transaction."""
    actors = sorted(_actors(person))
    aliases.forget_of(actors)
    command_tokens.forget_of(actors)
    chat_people.forget_all(person)


def unlink(person: str, team: str, user: str) -> None:
    """Unlink a chat user from a person; raises NotFound, and Forbidden for a suspended person (see `end`)."""
    with transaction():
        if chat_people.account(team, user) != person:
            raise NotFound(f"{team}/{user} is not linked to your account.")
        if _is_suspended(person):
            raise Forbidden("Your account is suspended: its chat users stay linked until it is resumed.")
        chat_people.forget(team, user)
        auditing.record(f"account:{person}", "meeseeks.unlink", f"agent:{person}", time.time(), f"{team}/{user}")


def part(actor: str, team: str, user: str) -> None:
    """Unlink a chat user from their account, as an operator, and tell them by mail; raises NotFound."""
    with transaction():
        person = chat_people.account(team, user)
        if person is None:
            raise NotFound(f"{team}/{user} has not linked an account.")
        chat_people.forget(team, user)
        _tell(person, letters.chat_unlinked, f"{team}/{user}")
        auditing.record(actor, "meeseeks.unlink", f"agent:{person}", time.time(), f"{team}/{user}")
