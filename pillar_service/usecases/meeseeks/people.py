"""People in chat: which account a chat user is. They say so themselves, signed in, with a link that only they were given."""

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
"""How long a link is good for."""


def asker(team: str, user: str, channel: str = "") -> Asker:
    """Who a chat user (team and user id) is to the roles, asking in a channel (its id, or `direct`)."""
    account = accounts.find(chat_people.account(team, user) or "")
    return Asker(of_chat(team, user), Caller(team, user) if account is None else _caller(account, team, user), channel)


def _caller(account: Account, team: str = "", user: str = "") -> Caller:
    return Caller(team, user, account.email, AccountState(account.state), account.verified_at is not None)


def named(user: object) -> Caller:
    """The caller that a user of the roles is: `TEAM/USER`, or an account's address; raises Invalid."""
    if isinstance(user, str) and CHAT_USER.fullmatch(user):
        team, _, id = user.partition("/")
        return asker(team, id).caller or Caller(team, id)
    address = names.email(user)
    found = accounts.with_email(address)
    return Caller(email=address) if found is None else _caller(found)


def asking_as(user: object, channel: str) -> Asker:
    """Who that user would be if they asked in a channel; raises Invalid."""
    caller = named(user)
    if caller.team:
        return asker(caller.team, caller.user, channel)
    found = accounts.with_email(caller.email or "")
    return Asker("" if found is None else f"account:{found.id}", caller, channel)


def of_actor(actor: str) -> Caller | None:
    """Who an actor (`chat:TEAM/USER`, `account:ID`) is to the roles now; None for masters and their operators."""
    kind, _, id = actor.partition(":")
    if kind == "chat":
        team, _, user = id.partition("/")
        return asker(team, user).caller
    found = accounts.find(id) if kind == "account" else None
    return None if found is None else _caller(found)


def selves(actor: str) -> set[str]:
    """Every actor that the person behind one is now: their account, and its chat users."""
    found = person(actor)
    return {actor} | (set() if found is None else _actors(found))


def person(actor: str) -> str | None:
    """The account (its id) that an actor is now, if any."""
    kind, _, id = actor.partition(":")
    if kind == "chat":
        team, _, user = id.partition("/")
        return chat_people.account(team, user)
    return id if kind == "account" else None


def _actors(person: str) -> set[str]:
    return {f"account:{person}", *(of_chat(one.team, one.user_id) for one in chat_people.of(person))}


def account(of: Asker) -> str:
    """The id of the account that somebody is; raises Forbidden with what to do when they are none."""
    found = person(of.actor)
    if found is None:
        raise Forbidden("I don't know your account here: write '2fa enrol', and open the link that I give you.")
    return found


def invite(of: Asker) -> str:
    """The address of the page on which a chat user says which account they are; for their eyes only."""
    if of.caller is None or not of.caller.team:
        raise Forbidden("Only somebody in chat can say which account they are.")
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
        raise NotFound("That link was used, or is older than ten minutes: ask for another one in chat.")
    return found


def link(person: str, token: str) -> str:
    """A person (an account's id), signed in, says that they are the chat user of a link; returns `TEAM/USER`.

    A mail tells them, for whoever opens a link that somebody else was given lets that one ask in their name. The link is
    used up in any case. Raises Conflict where the chat user is another account, which is told by mail: else who can
    write as somebody in Slack would need no code of theirs.
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
    raise Conflict(f"{user} in Slack is another account here: end that on its page first, or ask an operator to.")


def _tell(person: str, letter: Callable[[str, str, str], Letter], user: str) -> None:
    account = accounts.find(person)
    if account is not None:
        mails.post(account.email, letter(settings().domain, user, f"{settings().address}/account"))


def listed(person: str) -> list[dict[str, Any]]:
    """The chat users who are that person (an account's id), as {"team", "user", "at"}."""
    return [{"team": one.team, "user": one.user_id, "at": one.at} for one in chat_people.of(person)]


def held(person: str) -> tuple[int, int]:
    """How many chat users are that person, and how many command tokens of theirs are good."""
    now, actors = time.time(), _actors(person)
    return len(chat_people.of(person)), sum(len(command_tokens.listed(actor, now)) for actor in actors)


def end(person: str) -> tuple[int, int]:
    """No chat user is that person any more, and their command tokens end, in the caller's transaction; as `held`, how many.

    Who is suspended stays who they are in chat: as nobody's, that chat user would have again what roles grant it by its id.
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
    """Forget which chat users a person is, and their tokens and aliases, in the caller's transaction."""
    actors = sorted(_actors(person))
    aliases.forget_of(actors)
    command_tokens.forget_of(actors)
    chat_people.forget_all(person)


def unlink(person: str, team: str, user: str) -> None:
    """A chat user is that person no longer; raises NotFound, and Forbidden for who is suspended (see `end`)."""
    with transaction():
        if chat_people.account(team, user) != person:
            raise NotFound(f"{team}/{user} is not you.")
        if _is_suspended(person):
            raise Forbidden("Your account is suspended: who you are in chat stays as it is until it is resumed.")
        chat_people.forget(team, user)
        auditing.record(f"account:{person}", "meeseeks.unlink", f"agent:{person}", time.time(), f"{team}/{user}")


def part(actor: str, team: str, user: str) -> None:
    """An operator ends that a chat user is an account, whom a mail tells; raises NotFound."""
    with transaction():
        person = chat_people.account(team, user)
        if person is None:
            raise NotFound(f"{team}/{user} has said of no account that it is theirs.")
        chat_people.forget(team, user)
        _tell(person, letters.chat_unlinked, f"{team}/{user}")
        auditing.record(actor, "meeseeks.unlink", f"agent:{person}", time.time(), f"{team}/{user}")
