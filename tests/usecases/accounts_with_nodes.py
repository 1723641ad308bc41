"""Accounts with nodes, for the tests of configuration and governors."""

import json
from typing import Any

from pouring import owner

from pillar_service.core.nodes.rooms import Sharing
from pillar_service.store.database import transaction
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.usecases.nodes import nodes, pillars


def account(name: str, node: str | None = None) -> str:
    """Make the account `name@example.org`, with a node if one is named; return the account's id."""
    id = owner(f"{name}@example.org")
    if node is not None:
        own(node, id)
    return id


def own(node: str, account: str | None) -> None:
    """Give a node, made if it is new, to an account."""
    nodes.add("test", node)
    with transaction():
        node_rows.change(node, account=account, sharing=str(Sharing.OWN if account else Sharing.ALL))
        pillars.rewrite(node)


def pillar(node: str) -> dict[str, Any]:
    """The node's pillar."""
    ready = pillars.ready(node)
    assert ready is not None
    return dict(json.loads(ready[0])["saltcellar"])
