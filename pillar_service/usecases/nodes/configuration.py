"""Configuration: what an account sets for its nodes.

The account's people, its nodes, and operators may change it; every change is recorded. OPERATORS stands in place of an
account for what operators set for the place's own nodes.
"""

import json
import time
from typing import Any

from pillar_service.core.nodes import configuration as rules
from pillar_service.core.nodes import governors as governing
from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.core.people.permissions import NodeAct
from pillar_service.store.database import transaction
from pillar_service.store.nodes import configuration as rows
from pillar_service.store.nodes import nodes
from pillar_service.store.nodes import pillars as pillar_rows
from pillar_service.store.nodes.configuration import Configuration, ConfigurationChange
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.people import permissions
from pillar_service.usecases.service import auditing

PAGE = 50
"""How many changes one page of the history has."""


def told(node: str) -> dict[str, Any]:
    """The configuration that a node's account set, as in the node's pillar; raises NotFound."""
    return pillars.configuration_of(pillars.account_of(node))


def listed(account: str) -> dict[str, Any]:
    """All keys of an account, and the revision of its last change."""
    return {"revision": rows.revision(account), "keys": [described(one) for one in rows.listed(account)]}


def show(account: str, key: object) -> dict[str, Any]:
    """Return one key; raises NotFound."""
    name = rules.key(key)
    found = rows.find(account, name)
    if found is None:
        raise rules.missing(name)
    return described(found)


def set(actor: str, account: str, key: object, value: object, expected: int | None = None) -> dict[str, Any]:
    """Set a key to a value, and return it.

    ``expected`` is the revision that the key must have now: 0 if it must not exist, None for any. Raises Changed with the
    current state, Invalid, Conflict (no room), TooMany, and Forbidden for a suspended account.
    """
    name, written = rules.key(key), rules.written(value)
    governing.check_key(name, value)
    with transaction():
        standing = rows.listed(account)
        current = next((one for one in standing if one.key == name), None)
        rules.check_revision(name, described(current) if current else None, expected)
        rules.check_room({one.key: len(one.value) for one in standing}, name, len(written))
        _write(actor, account, name, written, time.time())
        return show(account, name)


def delete(actor: str, account: str, key: object, expected: int | None = None) -> None:
    """Delete a key; raises as `set` does, and NotFound when there is no such key."""
    name = rules.key(key)
    with transaction():
        current = rows.find(account, name)
        rules.check_revision(name, described(current) if current else None, expected)
        if current is None:
            raise rules.missing(name)
        _write(actor, account, name, None, time.time())


def _write(actor: str, account: str, key: str, value: str | None, now: float) -> None:
    if account != OPERATORS:
        permissions.require_nodes(account, NodeAct.CONFIGURE, account)
    rules.check_pace(rows.changed_since(account, now - 60))
    revision = rows.revision(account) + 1
    rows.write(account, key, value, revision, actor, now)
    rows.prune(account, revision - rules.KEPT)
    tell(account)
    deed = "delete" if value is None else "set"
    auditing.record(actor, f"configuration.{deed}", _subject(account), now, f"{key}, revision {revision}")


def _subject(account: str) -> str:
    return f"agent:{account}" if account != OPERATORS else "operators"


def tell(account: str) -> None:
    """Rewrite the pillars of an account's nodes, in the caller's transaction; their masters then tell them to take it."""
    for node in nodes.of(account) if account != OPERATORS else nodes.own():
        pillars.rewrite(node.id)
        pillar_rows.configured(node.id)


def history(account: str, key: object = None, before: int | None = None) -> list[dict[str, Any]]:
    """Changes, with who made them and when, newest first: those before a revision, of one key or of all."""
    name = None if key is None else rules.key(key)
    return [_told(one) for one in rows.changes(account, name, before, PAGE)]


def forget(account: str) -> None:
    """Delete an account's whole configuration, as the account is deleted."""
    rows.forget_all(account)
    tell(account)


def described(one: Configuration) -> dict[str, Any]:
    """A key as the API shows it."""
    return {"key": one.key, "value": json.loads(one.value), "revision": one.revision, "by": one.actor, "at": one.at}


def _told(one: ConfigurationChange) -> dict[str, Any]:
    value = None if one.value is None else json.loads(one.value)
    told = {"revision": one.revision, "key": one.key, "deleted": one.value is None, "value": value}
    return told | {"by": one.actor, "at": one.at}
