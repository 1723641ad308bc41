"""Leaving: a person gets a copy of everything that is kept about them, and has it forgotten."""

import secrets
import time
from contextlib import suppress
from typing import Any

from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.events.events import Filter
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.people.agents import Belonging
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import transaction
from pillar_service.store.events import events, forgotten
from pillar_service.store.events.events import Which
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import facts as fact_rows
from pillar_service.store.nodes import node_shares
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.nodes import standings as standing_rows
from pillar_service.store.people import accounts as account_rows
from pillar_service.store.people import agents, mails, tickets
from pillar_service.store.people import second_factor as factor_rows
from pillar_service.store.people import sessions as session_rows
from pillar_service.store.people import sharing as sharing_rows
from pillar_service.store.people import tokens as token_rows
from pillar_service.store.service import audit
from pillar_service.usecases.bots import bots, bringing_back, forgetting, invites, own_bots, refusing
from pillar_service.usecases.events import forwardings, stories
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.meeseeks import people as chat
from pillar_service.usecases.nodes import (
    configuration,
    enrolment,
    enrolment_tokens,
    facts,
    governors,
    machine_orders,
    node_keys,
    node_terms,
    standings,
)
from pillar_service.usecases.payments import payments
from pillar_service.usecases.people import accounts, confirming, passwords, second_factor, sessions, sharing, tokens
from pillar_service.usecases.service import auditing

MOST = 10_000
"""How many jobs, and how many of the nodes' events, the copy has at most, newest first; the API pages through all of them."""

ROWS = 1000
"""How many events one transaction forgets at most."""


def data(person: str) -> dict[str, Any]:
    """What is kept about a person: account, sessions, bots, nodes, what they asked for, what was done by and to them.

    ``of_bots`` has the people and invites of each bot, as far as this person may see them; ``cut_off`` names what has
    more than is returned here.
    """
    account = accounts.found(person)
    asked = jobs.listed(MOST, actor=f"account:{person}")
    happened = [stories.described(one) for one in events.page(Which(Filter(), person), MOST)]
    named = bot_rows.with_ids({job.bot for job in asked if job.bot})
    their_bots = own_bots.listed(person)
    return {
        "account": accounts.described(account),
        "second_factor": second_factor.told(person),
        "sessions": sessions.listed(person, ""),
        "tokens": tokens.listed(person),
        "chat": chat.listed(person),
        "nodes": node_keys.listed_of(person),
        "machines": machine_orders.listed_of(person),
        "enrolment_tokens": enrolment_tokens.listed_of(person),
        "bots": their_bots,
        "of_bots": {bot["id"]: _of_bot(person, bot["id"]) for bot in their_bots},
        "deleted": bringing_back.deleted(person),
        "jobs": [queue.described(job, named[job.bot].name if job.bot else None) for job in asked],
        "payment": payments.show(person, most=None),
        "configuration": configuration.listed(person),
        "governors": governors.listed(person),
        "standings": standings.of(person),
        "events": happened,
        "forwardings": forwardings.listed(person),
        "facts": facts.all_of(person),
        "audit": _done(person),
        "cut_off": [name for name, told in (("jobs", asked), ("events", happened)) if len(told) == MOST],
    }


def _done(person: str) -> list[dict[str, Any]]:
    """What was done by a person and to them, oldest first."""
    done = {row.id: row for row in audit.about(f"agent:{person}") + audit.by(f"account:{person}")}
    return [
        {"at": row.at, "actor": row.actor, "action": row.action, "subject": row.subject, "detail": row.detail}
        for row in sorted(done.values(), key=lambda row: row.at)
    ]


def _of_bot(person: str, bot: str) -> dict[str, Any]:
    told: dict[str, Any] = {"people": sharing.people(person, bot)}
    with suppress(Forbidden, NotFound):  # a member may not see the invites
        told["invites"] = invites.told(person, bot)["invites"]
    return told


def delete(person: str, email: str, password: str, code: str | None) -> None:
    """Delete an account: bots that nobody else owns go with their data, deleted ones too; the person is forgotten.

    ``email`` is the account's own address, typed once more. Raises Invalid, Unauthenticated, TooMany, and Conflict
    while a bot is being exported, or while others have bots on the person's nodes. After a Conflict nothing has been
    cancelled at the payment provider, unless its cause arose during the cancellation.
    """
    account = accounts.found(person)
    if email.strip().lower() != account.email:
        raise Invalid("That is not the address of this account: type it exactly.")
    confirming.confirm(person, password, code)
    for bot in _alone(person):
        refusing.to_delete(bot)
    _refuse_if_others_need_a_node(person)
    payments.end(f"account:{person}", person)
    nobody = passwords.hashed(secrets.token_hex(16))
    while _forget_events(person):
        pass
    with transaction():
        _refuse_if_others_need_a_node(person)  # one may have come meanwhile
        _leave_bots(person)
        _forget(account.id, account.email, nobody)
        auditing.record(f"account:{person}", "accounts.delete", f"agent:{person}", time.time())


def goes(person: str) -> list[str]:
    """The names of the bots that would go with a person's account."""
    return [bot.name for bot in _alone(person)]


def _alone(person: str) -> list[Bot]:
    """The bots that this person alone owns, whose data goes with the account; deleted ones that could come back too."""
    found = bot_rows.listed(of=person) + bot_rows.deleted(person)
    owners: dict[str, list[str]] = {}
    for row in agents.people_of([bot.id for bot in found], Belonging.OWNER):
        owners.setdefault(row.target, []).append(row.source)
    return [bot for bot in found if owners.get(bot.id) == [person]]


def _refuse_if_others_need_a_node(person: str) -> None:
    """Raise Conflict if others have bots on this person's nodes.

    The nodes are cut off with the account: the others would lose those bots, and could not even move them away first.
    """
    own = {bot.id for bot in _alone(person)}
    for node in node_rows.of(person):
        others = set(bot_rows.holding(node.id)) - own if node.key_state == KeyState.ACCEPTED else set()
        if others:
            raise Conflict(
                f"Your node {node.id} holds bots of others ({len(others)}, counting deleted ones that can be brought "
                "back), which would be lost with it: stop sharing it, and ask them, or whoever runs this place, to "
                "move them away. If they may be lost, cut the node off yourself."
            )


def _leave_bots(person: str) -> None:
    alone, now = _alone(person), time.time()
    own = {node.id for node in node_rows.of(person)}
    for bot in alone:
        if not bot.purge:
            sharing.tell_gone(person, bot, now)
        if bot.node in own:  # it is cut off with the account, so nobody can tell it that the bot is to go
            _let_go(person, bot, now)
        elif not bot.purge:
            bots.delete(f"account:{person}", bot.id, purge=True)
    agents.part_from_others(person, [bot.id for bot in alone])


def _let_go(person: str, bot: Bot, now: float) -> None:
    bots.withdraw(bot, "Its node was cut off together with its owner's account.", now)
    forgetting.end_move(bot, now)
    forgetting.with_its_node(bot, f"account:{person}", now)


def _forget_events(person: str) -> bool:
    """Forget the oldest events of a person's nodes; returns whether there may be more.

    There may be millions: forgetting them all at once would keep every other writer waiting.
    """
    with transaction():
        old = events.of_account(person, ROWS)
        forgotten.forget_nodes_of(old)
        return events.forget(old) == ROWS


def _forget(person: str, email: str, password_hash: str) -> None:
    account_rows.change(person, email=accounts.gone(person, email), password_hash=password_hash, verified_at=None)
    agents.change(person, name="deleted", removed_at=time.time())
    factor_rows.drop(person)
    tickets.drop(person)
    session_rows.end_all(person)
    token_rows.forget_all(person)
    machine_orders.forget(f"account:{person}", person)
    enrolment.forget(f"account:{person}", person)
    forwardings.forget(person)
    while _forget_events(person):  # those that arrived since
        pass
    fact_rows.forget_account(person)
    standing_rows.forget_account(person)
    chat.forget(person)
    configuration.forget(person)
    governors.forget(person)
    sharing_rows.forget_person(person, email)
    node_shares.forget(email)
    mails.forget_to(email)
    audit.blank(f"agent:{person}")
    audit.blank_said(email, (*sharing.NAMING, *node_terms.NAMING))
