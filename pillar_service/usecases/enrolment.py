"""Enrolment: tokens that let machines in as nodes, and what comes of one that brings such a token and its key."""

import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core import durations, limits, names, tokens
from pillar_service.core import enrolment as rules
from pillar_service.core.agents import AccountState
from pillar_service.core.durations import DAY_S
from pillar_service.core.enrolment import KeyState, Known, Redeemed
from pillar_service.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    SaltcellarError,
    Unauthenticated,
    Unavailable,
)
from pillar_service.core.permissions import NodeAct
from pillar_service.settings import settings
from pillar_service.store import enrolment as rows
from pillar_service.store import nodes as node_rows
from pillar_service.store.database import transaction
from pillar_service.store.enrolment import EnrolmentToken
from pillar_service.usecases import accounts, auditing, nodes, pem, permissions
from pillar_service.usecases import limits as counting
from pillar_service.usecases.masters import found as masters

MOST_OPEN = 20
"""So many tokens that can still be used an account has at a time."""

KEPT_S = 30 * DAY_S
"""How long a token is listed after its time."""

PREFIX = 6
UNKNOWN = "This token is not known: make a new one, and copy all of it."
MACHINE = ("hostname", "system", "python", "saltcellar")


def create(
    actor: str,
    account: object = None,
    labels: object = None,
    uses: object = 1,
    life: object = rules.DEFAULT_LIFE_S,
    pattern: object = "*",
    replaces: object = False,
) -> dict[str, Any]:
    """Make a token; returns it with its ``secret``, which is told this once, and the ``line`` to paste on the machine.

    ``account`` (id or address) is whose node it makes, None: the place's own; ``life`` is how long it is good (seconds, or
    '2h'). Raises Invalid, NotFound, Conflict (too many, or the account is suspended).
    """
    whose = None if account is None else _active(accounts.found(account).id)
    told = {
        "labels": nodes.checked_labels(labels or {}),
        "uses": names.whole_number(uses, "number of uses", *rules.USES),
        "pattern": rules.pattern(pattern),
        "replaces": _yes(replaces),
    }
    length = names.whole_number(
        durations.seconds(life, "life of the token"), "life of the token in seconds", *rules.LIFE_S
    )
    secret, now = tokens.new_token(), time.time()
    with transaction():
        rows.forget_old(whose, now - KEPT_S)
        if rows.open_of(whose, now) >= MOST_OPEN:
            raise Conflict(f"There are {MOST_OPEN} tokens for nodes that can still be used: revoke one first.")
        kept = {"prefix": secret[:PREFIX], "token_hash": tokens.hash_token(secret), "expires_at": now + length}
        made = rows.add(id=names.new_id(), account=whose, actor=actor, created_at=now, **told, **kept)
        what = f"{made.uses} of {made.pattern}" + (", new keys too" if made.replaces else "")
        auditing.record(actor, "nodes.token", f"agent:{whose}" if whose else f"enrolment:{made.id}", now, what)
    script = f"{settings().address}/enrol.sh"
    return described(made) | {"secret": secret, "script": script, "line": f"curl -fsS {script} | sh -s -- {secret}"}


def _yes(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Invalid(f"Whether it is for re-enrolment is yes or no, not {names.shown(value)}.")


def _active(account: str) -> str:
    found = accounts.found(account)
    if found.state != AccountState.ACTIVE or found.agent.removed_at is not None:
        raise Forbidden("This account is suspended: it gets no nodes until it is active again.")
    return str(found.id)


def create_for(person: str, **asked: object) -> dict[str, Any]:
    """Make a token for a person's own nodes; raises as `create` does, and Forbidden."""
    permissions.require_nodes(person, NodeAct.ENROL, person)
    return create(f"account:{person}", person, **asked)


def listed_of(person: str) -> list[dict[str, Any]]:
    """A person's tokens, the newest first."""
    return [described(token) for token in rows.of(person)]


def listed() -> list[dict[str, Any]]:
    """The newest tokens of all, for operators."""
    return [described(token) for token in rows.listed(100)]


def revoke(actor: str, id: object) -> None:
    """End a token; raises NotFound."""
    _revoke(actor, _found(id))


def revoke_of(person: str, id: object) -> None:
    """End a token of a person's own; raises NotFound, for another person's too."""
    token = _found(id)
    if token.account != person:
        raise NotFound(f"There is no token {names.shown(id)}.")
    permissions.require_nodes(person, NodeAct.REVOKE, person)
    _revoke(f"account:{person}", token)


def _found(id: object) -> EnrolmentToken:
    token = rows.find(id) if isinstance(id, str) and names.ID.fullmatch(id) else None
    if token is None:
        raise NotFound(f"There is no token {names.shown(id)}.")
    return token


def _revoke(actor: str, token: EnrolmentToken) -> None:
    now = time.time()
    with transaction():
        if rows.revoke(token.id, now):
            auditing.record(actor, "nodes.revoke_token", f"enrolment:{token.id}", now)


def described(token: EnrolmentToken) -> dict[str, Any]:
    """A token as pages and runners show it: all but the secret."""
    now = time.time()
    ended = "revoked" if token.revoked_at else "expired" if token.expires_at <= now else None
    return {
        "id": token.id,
        "account": token.account,
        "prefix": token.prefix,
        "labels": token.labels,
        "pattern": token.pattern,
        "uses": token.uses,
        "used": token.used,
        "replaces": token.replaces,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "state": ended or ("used" if token.used >= token.uses else "open"),
    }


def look(secret: str, address: str) -> dict[str, Any]:
    """What a token that can be used is good for; raises Unauthenticated, which is audited. The token stays as it is."""
    token = _of(secret)
    told = described(token)
    if told["state"] != "open":
        error = Unauthenticated(f"This token is {told['state']}: make a new one.")
        _refused(token.id, "a machine", error, address)
        raise error
    return {key: told[key] for key in ("account", "pattern", "labels", "uses", "used", "replaces", "expires_at")}


def _of(secret: str) -> EnrolmentToken:
    token = rows.with_hash(tokens.hash_token(secret))
    if token is None:
        raise Unauthenticated(UNKNOWN)
    return token


def redeem(secret: str, name: object, public_key: object, machine: object, address: str) -> dict[str, Any]:
    """Let a machine in: it is the node of that name from now on, and masters accept its key. All of it, or nothing.

    ``machine`` is a little about it, ``address`` where it comes from. Returns what it must know (core.enrolment.told); the
    same for who asks again. Raises Invalid, and Unauthenticated, Forbidden or Conflict, which are audited.
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
    there = node_rows.find(id)
    came = rules.decide(_token(token), _known(there), name, key, now)
    if came is Redeemed.SAME:
        return id
    if token.account is not None:
        _active(token.account)
    if there is None:
        _refuse_too_many(token.account)
        nodes.add_for(id, token.account)
    node_rows.change(id, enrolled_by=token.id, facts={"machine": dict(about)})
    if token.labels:
        node_rows.change(id, labels=token.labels)
    rows.use(token.id, now)
    nodes.keep_key(f"enrolment:{token.id}", "nodes.enrol", id, key, KeyState.ACCEPTED, now, f"{came} from {address}")
    if token.labels:
        nodes.tell_labels(f"enrolment:{token.id}", id, now)
    return id


def _token(row: EnrolmentToken) -> rules.Token:
    return rules.Token(
        row.id, row.account, row.pattern, row.uses, row.used, row.replaces, row.expires_at, row.revoked_at
    )


def _known(node: node_rows.Node | None) -> Known | None:
    if node is None:
        return None
    return Known(node.account, node.public_key, KeyState(node.key_state), node.enrolled_by)


def _refuse_too_many(account: str | None) -> None:
    most = settings().nodes_most
    if account is not None and len(node_rows.of(account)) >= most:
        raise Conflict(f"The account has {most} nodes, as many as it may: ask whoever runs this place for more.")


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
            f"The minions' configuration in {folder} can't be read ({error.strerror}): whoever runs this place corrects "
            "CELLAR_MINION_D."
        ) from error


def _refused(token: str, name: str, error: SaltcellarError, address: str) -> None:
    """Write down that a token was refused; so often, and who tries is told to wait instead."""
    counting.spend(limits.Tried.ENROL, token, address)
    with transaction():
        detail = f"{name} from {address}: {error.sentence}"
        auditing.record(f"enrolment:{token}", "nodes.enrol_refused", f"enrolment:{token}", time.time(), detail)


def state(secret: str, name: object) -> dict[str, Any]:
    """Whether the node that this token let in under that name was heard of since: {"node", "answers"}."""
    token = _of(secret)
    node = node_rows.find(rules.minion_id(rules.node_name(name), token.account))
    if node is None or node.enrolled_by != token.id:
        raise NotFound(f"This token let no node {names.shown(name)} in.")
    return {"node": node.id, "answers": node.last_seen is not None and node.last_seen >= (node.key_at or 0)}


def forget(actor: str, account: str) -> None:
    """An account leaves: its tokens end, its nodes are cut off; in the caller's transaction."""
    now = time.time()
    rows.revoke_all(account, now)
    for node in node_rows.of(account):
        if node.key_state == KeyState.ACCEPTED:
            nodes.keep_key(actor, "nodes.revoke", node.id, node.public_key, KeyState.REVOKED, now)
