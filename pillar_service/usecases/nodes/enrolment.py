"""Enrolment: decides what becomes of a machine that brings a token and its key."""

import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    SaltcellarError,
    Unauthenticated,
    Unavailable,
)
from pillar_service.core.nodes import enrolment as rules
from pillar_service.core.nodes.enrolment import KeyState, Known, Redeemed
from pillar_service.core.people import limits, tokens
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.nodes import enrolment as rows
from pillar_service.store.nodes import facts
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.nodes.enrolment import EnrolmentToken
from pillar_service.usecases.nodes import nodes, pem, returning
from pillar_service.usecases.nodes.enrolment_tokens import active_owner, described
from pillar_service.usecases.people import limits as counting
from pillar_service.usecases.service import auditing
from pillar_service.usecases.service.masters import found as masters

UNKNOWN = "This token is not known: make a new one, and copy all of it."
MACHINE = ("hostname", "system", "python", "saltcellar")


def look(secret: str, address: str, name: object = None) -> dict[str, Any]:
    """Return what a usable token allows, without using it up; with ``name``, check that it also allows a node of that name.

    Raises Unauthenticated, which is audited if the token is known; Invalid and Forbidden for the name.
    """
    token = _of(secret)
    told = described(token)
    if told["state"] != "open":
        error = Unauthenticated(f"This token is {told['state']}: make a new one.")
        _refused(token.id, "a machine", error, address)
        raise error
    if name is not None:
        rules.require_fitting(rules.node_name(name), token.pattern)
    return {key: told[key] for key in ("account", "pattern", "labels", "uses", "used", "replaces", "expires_at")}


def _of(secret: str) -> EnrolmentToken:
    token = rows.with_hash(tokens.hash_token(secret))
    if token is None:
        raise Unauthenticated(UNKNOWN)
    return token


def redeem(secret: str, name: object, public_key: object, machine: object, address: str) -> dict[str, Any]:
    """Let a machine in: from now on it is the node of that name, and masters accept its key. All of it happens, or nothing.

    ``machine`` is a mapping with a few facts about it, ``address`` is where it connects from. Returns what the machine must
    know (core.nodes.enrolment.told); asking again gives the same answer. Raises Invalid, and Unauthenticated, Forbidden or
    Conflict, which are audited.
    """
    token, called, key, about = _of(secret), rules.node_name(name), pem.public_key(public_key), _about(machine)
    places, configuration = masters(), _configuration()
    try:
        with transaction():
            node = _let_in(token.id, called, key, about, address)
    except (Unauthenticated, Forbidden, Conflict) as error:
        _refused(token.id, called, error, address)
        raise
    return rules.told(places, node, token.account, configuration) | {"service": settings().address}


def _let_in(token_id: str, name: str, key: str, about: Mapping[str, str], address: str) -> str:
    token, now = rows.find(token_id), time.time()
    if token is None:
        raise Unauthenticated(UNKNOWN)
    id = rules.minion_id(name, token.account)
    there = node_rows.ever(id)
    came = rules.decide(_token(token), _known(there), name, key, now)
    if came is Redeemed.SAME:
        return id
    if token.account is not None:
        active_owner(token.account)
    _make_room(id, there, token.account)
    node_rows.change(id, enrolled_by=token.id, facts={"machine": dict(about)}, forgotten_at=None)
    if token.labels:
        node_rows.change(id, labels=token.labels)
    rows.use(token.id, now)
    nodes.keep_key(f"enrolment:{token.id}", "nodes.enrol", id, key, KeyState.ACCEPTED, now, f"{came} from {address}")
    if token.labels:
        nodes.tell_labels(f"enrolment:{token.id}", id, now)
    if came is Redeemed.REPLACED:
        facts.begin_anew(id)
        returning.with_another_key(f"enrolment:{token.id}", id, now)
    return id


def _token(row: EnrolmentToken) -> rules.Token:
    return rules.Token(
        row.id, row.account, row.pattern, row.uses, row.used, row.replaces, row.expires_at, row.revoked_at
    )


def _known(node: node_rows.Node | None) -> Known | None:
    if node is None:
        return None
    return Known(node.account, node.public_key, KeyState(node.key_state), node.enrolled_by)


def _make_room(id: str, there: node_rows.Node | None, account: str | None) -> None:
    if there is None or there.key_state != KeyState.ACCEPTED:
        _refuse_too_many(account)
    if there is None:
        nodes.add_for(id, account)


def _refuse_too_many(account: str | None) -> None:
    most = settings().nodes_most
    if account is not None and node_rows.accepted(account) >= most:
        raise Conflict(
            f"The account has {most} nodes, the most it may have: cut off one that is not needed, or ask whoever runs "
            "this place for more."
        )


def _about(machine: object) -> dict[str, str]:
    given = machine if isinstance(machine, Mapping) else {}
    return {name: names.text(given[name], name, 200) for name in MACHINE if name in given}


def _configuration() -> dict[str, str]:
    folder = settings().minion_d
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".conf")
        return {file.name: file.read_text() for file in files}
    except OSError as error:
        raise Unavailable(
            f"The minions' configuration in {folder} can't be read ({error.strerror}): whoever runs this place must "
            "correct CELLAR_MINION_D."
        ) from error


def _refused(token: str, name: str, error: SaltcellarError, address: str) -> None:
    """Audit that a token was refused, up to a limit; whoever tries more often is told to wait instead."""
    counting.spend(limits.Tried.ENROL, token, address)
    with transaction():
        detail = f"{name} from {address}: {error.sentence}"
        auditing.record(f"enrolment:{token}", "nodes.enrol_refused", f"enrolment:{token}", time.time(), detail)


def state(secret: str, name: object) -> dict[str, Any]:
    """Whether the node that this token let in under that name has been heard from since: {"node", "answers"}."""
    token = _of(secret)
    node = node_rows.find(rules.minion_id(rules.node_name(name), token.account))
    if node is None or node.enrolled_by != token.id:
        raise NotFound(f"No node {names.shown(name)} enrolled with this token.")
    return {"node": node.id, "answers": node.last_seen is not None and node.last_seen >= (node.key_at or 0)}


def forget(actor: str, account: str) -> None:
    """End an account's tokens and cut off its nodes as it leaves, in the caller's transaction."""
    now = time.time()
    rows.revoke_all(account, now)
    for node in node_rows.of(account):
        if node.key_state == KeyState.ACCEPTED:
            nodes.keep_key(actor, "nodes.revoke", node.id, node.public_key, KeyState.REVOKED, now)
