"""Tokens that let machines in as nodes: made by a person or an operator, shown once, ended by time, use or revocation."""

import time
from typing import Any

from pillar_service.core import durations, names
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.nodes import enrolment as rules
from pillar_service.core.people import tokens
from pillar_service.core.people.agents import AccountState
from pillar_service.core.people.permissions import NodeAct
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.nodes import enrolment as rows
from pillar_service.store.nodes.enrolment import EnrolmentToken
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.people import accounts, permissions
from pillar_service.usecases.service import auditing

MOST_OPEN = 20
"""How many usable tokens an account has at most."""

KEPT_S = 30 * DAY_S
"""How long a token is still listed after it expired."""

PREFIX = 6


def create(
    actor: str,
    account: object = None,
    labels: object = None,
    uses: object = 1,
    life: object = rules.DEFAULT_LIFE_S,
    pattern: object = "*",
    replaces: object = False,
) -> dict[str, Any]:
    """Make a token; returns it with its ``secret``, which is shown only here, and the ``line`` to paste on the machine.

    ``account`` (id or address) is the account that the node will belong to, None for the place's own; ``life`` is how
    long the token is valid (seconds, or '2h'). Raises Invalid, NotFound, Conflict (too many), Forbidden (the account is
    suspended).
    """
    whose = None if account is None else active_owner(account)
    told = {
        "labels": nodes.checked_labels(labels or {}),
        "uses": names.whole_number(uses, "number of uses", *rules.USES),
        "pattern": rules.pattern(pattern),
        "replaces": _yes(replaces),
    }
    length = names.whole_number(
        durations.seconds(life, "life of the token"), "life of the token in seconds", *rules.LIFE_S
    )
    secret = tokens.new_token()
    made = _kept(actor, whose, secret, length, told)
    script = f"{settings().address}/enrol.sh"
    lines = {
        "line": f"curl -fsS {script} | sh -s -- {secret}",
        "hidden": f"curl -fsS {script} | CELLAR_ENROL_TOKEN={secret} sh",
    }
    return described(made) | {"secret": secret, "script": script, **lines}


def _kept(actor: str, whose: str | None, secret: str, length_s: int, told: dict[str, Any]) -> EnrolmentToken:
    now = time.time()
    kept = {"prefix": secret[:PREFIX], "token_hash": tokens.hash_token(secret), "expires_at": now + length_s}
    with transaction():
        rows.forget_old(whose, now - KEPT_S)
        if rows.open_of(whose, now) >= MOST_OPEN:
            raise Conflict(f"There are {MOST_OPEN} open tokens for nodes: revoke one first.")
        made = rows.add(id=names.new_id(), account=whose, actor=actor, created_at=now, **told, **kept)
        what = f"{made.uses} of {made.pattern}" + (", new keys too" if made.replaces else "")
        auditing.record(actor, "nodes.token", f"agent:{whose}" if whose else f"enrolment:{made.id}", now, what)
    return made


def active_owner(key: object) -> str:
    """Return the id of the account with that id or address; raises NotFound, and Forbidden if it may have no more nodes."""
    found = accounts.found(key)
    if found.state != AccountState.ACTIVE or found.agent.removed_at is not None:
        raise Forbidden("This account is suspended: it gets no nodes until it is active again.")
    return str(found.id)


def _yes(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Invalid(f"Re-enrolment must be yes or no, not {names.shown(value)}.")


def create_for(person: str, **asked: object) -> dict[str, Any]:
    """Make a token for a person's own nodes; raises as `create` does, and Forbidden."""
    permissions.require_nodes(person, NodeAct.ENROL, person)
    return create(f"account:{person}", person, **asked)


def listed_of(person: str) -> list[dict[str, Any]]:
    """A person's tokens, newest first."""
    return [described(token) for token in rows.of(person)]


def listed() -> list[dict[str, Any]]:
    """The newest tokens of all accounts, for operators."""
    return [described(token) for token in rows.listed(100)]


def revoke(actor: str, id: object) -> None:
    """End a token; raises NotFound."""
    _revoke(actor, _found(id))


def revoke_of(person: str, id: object) -> None:
    """End one of a person's own tokens; raises NotFound, also for another person's."""
    token = _found(id)
    if token.account != person:
        raise NotFound(f"There is no token {names.shown(id)}.")
    permissions.require_nodes(person, NodeAct.REVOKE, person)
    _revoke(f"account:{person}", token)


def _found(id: object) -> EnrolmentToken:
    token = rows.find(id) if names.is_id(id) else None
    if token is None:
        raise NotFound(f"There is no token {names.shown(id)}.")
    return token


def _revoke(actor: str, token: EnrolmentToken) -> None:
    now = time.time()
    with transaction():
        if rows.revoke(token.id, now):
            auditing.record(actor, "nodes.revoke_token", f"enrolment:{token.id}", now)


def described(token: EnrolmentToken) -> dict[str, Any]:
    """A token as pages and runners show it: everything but the secret."""
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
