"""Sharing a bot: who belongs to it, who is invited by mail, who leaves, who owns it."""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.people import mails as letters
from pillar_service.core.people import sharing as rules
from pillar_service.core.people import tokens
from pillar_service.core.people.agents import AccountState, Belonging, Desired
from pillar_service.core.people.mails import Letter
from pillar_service.core.people.permissions import Act
from pillar_service.settings import settings
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts as account_rows
from pillar_service.store.people import agents
from pillar_service.store.people import sharing as rows
from pillar_service.store.people.sharing import Invitation
from pillar_service.usecases.bots import placing, refusing
from pillar_service.usecases.people import accounts, mails, permissions
from pillar_service.usecases.service import auditing

NAMING = tuple(f"sharing.{deed}" for deed in ("invite", "withdraw", "join", "remove", "hand_over"))
"""The audit's actions whose detail is nothing but somebody's address."""

INVITED = """{by} invites you to share the bot {host}: you can see how it is, invite people to it, and stop and start it.

To join, open this address within 7 days. It works once; don't give it to anybody else:

{address}/join/{token}

If you don't know {by}, or don't want to join, do nothing.
"""

OWNS = """{by} has handed the bot {host} over to you: it is yours now, with everything that belongs to it.

{address}/bots/{name}/people
"""

GONE = """The account that owned the bot {host} is closed, and the bot goes with it. Nobody can bring it back.

What your own Scuttlebutt program has of it stays with you. For another pub, start here:

{address}/
"""


def people(person: str, key: object) -> dict[str, Any]:
    """Who belongs to a bot: {"people", "invitations", "may_share", "role"}.

    Only those who may share it get addresses and open invitations; ``role`` is the asker's own, None for an operator.
    """
    bot, acts = permissions.allowed(person, Act.SEE, key)
    may, now = Act.SHARE in acts, time.time()
    belonging = _belonging(bot)
    known = account_rows.with_ids(belonging)
    there = [_described(known[id], role, person, may) for id, role in belonging.items()]
    open_now = rows.open_of(bot.id, now) if may else []
    return {
        "people": sorted(there, key=lambda one: (one["role"] != Belonging.OWNER, one["name"].lower(), one["id"])),
        "invitations": [_shown(row) for row in open_now],
        "may_share": may,
        "role": belonging.get(person),
    }


def _belonging(bot: Bot) -> dict[str, Belonging]:
    return {row.source: Belonging(row.role) for row in agents.people_of([bot.id])}


def _described(account: account_rows.Account, role: Belonging, asker: str, may: bool) -> dict[str, Any]:
    you = account.id == asker
    told = {"id": account.id, "name": _name(account, may or you), "role": str(role), "you": you}
    return told | {"email": account.email if may or you else None}


def _name(account: account_rows.Account, with_address: bool) -> str:
    """A person's name; if they never gave one, their address, of which others see only the part before the @."""
    name = str(account.agent.name)
    return name if with_address or name != account.email else name.partition("@")[0]


def _shown(row: Invitation) -> dict[str, Any]:
    return {"id": row.id, "email": row.email, "created_at": row.created_at, "expires_at": row.expires_at}


def invite(person: str, key: object, email: object) -> str | None:
    """Invite somebody by mail. Inviting an address again sends a new mail and makes the old invitation invalid.

    Returns None; or, if no mail is set up, the link to give to them in another way, which can't be shown again. The
    answer does not depend on whether that address has an account. Raises Invalid, TooMany.
    """
    address, token, now = letters.address(email), tokens.new_token(), time.time()
    with transaction():
        bot = permissions.require(person, Act.SHARE, key)
        refusing.if_deleted(bot)
        open_now = rows.open_of(bot.id, now)
        before = [row for row in open_now if row.email == address]
        _refuse_who_belongs(bot, address)
        rules.refuse_too_many(len(open_now) - len(before), rows.sent_by(person, now - DAY_S, now))
        for row in before:
            rows.withdraw(row.id, now)
        told = {"bot": bot.id, "email": address, "invited_by": person, "expires_at": now + rules.LASTS_S}
        rows.add(id=names.new_id(), token_hash=tokens.hash_token(token), created_at=now, **told)
        letter = Letter(f"Share the bot {_host(bot)}", _mail(INVITED, bot, person, token=token))
        mails.post(address, letter, now=now)
        auditing.record(f"account:{person}", "sharing.invite", f"agent:{bot.id}", now, address)
    return None if settings().mail else f"{settings().address}/join/{token}"


def _refuse_who_belongs(bot: Bot, address: str) -> None:
    holder = account_rows.with_email(address)
    if holder is not None and holder.id in _belonging(bot):
        raise Invalid(f"{address} belongs to this bot already: invite somebody else.")


def _host(bot: Bot) -> str:
    return f"{bot.name}.{settings().domain}"


def _mail(text: str, bot: Bot, by: str, **more: str) -> str:
    who = accounts.found(by).agent.name
    return text.format(by=who, host=_host(bot), name=bot.name, address=settings().address, **more)


def withdraw(person: str, key: object, id: object) -> None:
    """Take an open invitation back; raises NotFound if there is none with this id."""
    now = time.time()
    with transaction():
        bot = permissions.require(person, Act.SHARE, key)
        found = [row for row in rows.open_of(bot.id, now) if row.id == id]
        if not found:
            raise NotFound("There is no such open invitation: it was used, taken back, or has expired.")
        rows.withdraw(found[0].id, now)
        auditing.record(f"account:{person}", "sharing.withdraw", f"agent:{bot.id}", now, found[0].email)


def invitation(token: str) -> dict[str, Any]:
    """What a token invites to: {"host", "bot", "by"}; raises the same NotFound for every invalid token."""
    row, bot = _good(token, time.time())
    return {"host": _host(bot), "bot": bot.name, "by": _by(row)}


def _by(row: Invitation) -> str:
    found = account_rows.with_ids([row.invited_by]).get(row.invited_by)
    return _name(found, with_address=False) if found else "Somebody"


def _good(token: str, now: float) -> tuple[Invitation, Bot]:
    row = rows.with_hash(tokens.hash_token(token), now)
    bot = bot_rows.with_ids([row.bot]).get(row.bot) if row is not None else None
    if row is None or bot is None or bot.agent.removed_at is not None or bot.desired == Desired.ABSENT:
        raise NotFound(rules.NOT_VALID)
    return row, bot


def accept(person: str, token: str) -> str:
    """Join a bot as a member; returns its name. Works once; a person who joined by it before gets the same answer again.

    Raises NotFound, Forbidden (a suspended account), and Conflict if they belong to it already: then the invitation
    stays valid.
    """
    now = time.time()
    with transaction():
        if before := _joined_by(token, person):
            return before.name
        row, bot = _good(token, now)
        if accounts.found(person).state == AccountState.SUSPENDED:
            raise Forbidden(
                "Your account is suspended and can't join a bot: open the invitation again once it is active."
            )
        if agents.role_for(person, bot.id) is not None:
            raise Conflict(f"You belong to {_host(bot)} already: this invitation is for somebody else.")
        rows.accept(row.id, person, now)
        agents.join(person, bot.id, Belonging.MEMBER)
        auditing.record(f"account:{person}", "sharing.join", f"agent:{bot.id}", now, row.email)
        return bot.name


def _joined_by(token: str, person: str) -> Bot | None:
    row = rows.taken(tokens.hash_token(token), person)
    if row is None or agents.role_for(person, row.bot) is None:
        return None
    return bot_rows.with_ids([row.bot]).get(row.bot)


def joined(person: str, token: str) -> str | None:
    """The name of the bot that a person belongs to by this invitation; None if it was not theirs, or they have left."""
    bot = _joined_by(token, person)
    return bot.name if bot else None


def remove(person: str, key: object, who: object) -> None:
    """Remove somebody (an account's id) from a bot; raises Invalid (oneself), NotFound, Conflict (last owner)."""
    now = time.time()
    with transaction():
        bot = permissions.require(person, Act.SHARE, key)
        if who == person:
            raise Invalid("To go yourself, use 'Leave'.")
        _part(bot, str(who))
        gone = accounts.found(str(who))
        auditing.record(f"account:{person}", "sharing.remove", f"agent:{bot.id}", now, gone.email)


def leave(person: str, key: object) -> None:
    """Leave a bot; raises Conflict for its last owner, and NotFound for somebody who does not belong to it."""
    now = time.time()
    with transaction():
        bot = permissions.require(person, Act.SEE, key)
        _part(bot, person)
        auditing.record(f"account:{person}", "sharing.leave", f"agent:{bot.id}", now)


def _part(bot: Bot, who: str) -> None:
    belonging = _belonging(bot)
    rules.without(belonging, _active(belonging), who)
    agents.part(who, bot.id)


def _active(people: dict[str, Belonging]) -> set[str]:
    known = account_rows.with_ids(people)
    return {id for id, account in known.items() if account.state == AccountState.ACTIVE}


def tell_gone(owner: str, bot: Bot, now: float) -> None:
    """Write to the members of a bot that goes with its owner's account, naming nobody, in the caller's transaction."""
    letter = Letter(f"The bot {_host(bot)} is gone", GONE.format(host=_host(bot), address=settings().address))
    members = account_rows.with_ids([who for who in _belonging(bot) if who != owner])
    for member in members.values():
        mails.post(member.email, letter, now=now)


def hand_over(person: str, key: object, to: object, typed: object) -> None:
    """Make a member (an account's id) the owner; the former owner stays as a member. ``typed`` must be the bot's name.

    Raises Invalid, NotFound, and Conflict (a suspended account, one with as many bots as allowed, or one whose bots the
    node does not take).
    """
    now = time.time()
    with transaction():
        bot = permissions.require(person, Act.SHARE, key)
        refusing.if_deleted(bot)
        if typed != bot.name:
            raise Invalid(f"To hand it over, type the bot's name: {bot.name}.")
        belonging = _belonging(bot)
        changed = rules.handed_over(belonging, _active(belonging), person, str(to))
        if bot_rows.owned(str(to)) >= settings().bots_most:
            raise Conflict("That person already owns as many bots as they may: choose another member.")
        if not placing.may_be_on(bot.node, [str(to)]):
            raise Conflict(
                f"{bot.name} is on {bot.node}, which does not take their bots: move it to another node first."
            )
        for who, role in changed.items():
            agents.change_role(who, bot.id, role)
        taker = accounts.found(str(to))
        mails.post(taker.email, Letter(f"The bot {_host(bot)} is yours", _mail(OWNS, bot, person)), now=now)
        auditing.record(f"account:{person}", "sharing.hand_over", f"agent:{bot.id}", now, taker.email)
