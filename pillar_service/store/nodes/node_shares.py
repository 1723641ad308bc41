"""With whom nodes are shared: the e-mail addresses of accounts that may place bots on them.

Addresses, not accounts: who shares a node learns by it of nobody whether they have an account here.
"""

from collections.abc import Iterable

from peewee import CompositeKey, TextField

from pillar_service.store.database import Table
from pillar_service.store.sql import read


class NodeShare(Table):
    """A node is shared with the account that has this address."""

    node = TextField()
    email = TextField()

    class Meta:
        primary_key = CompositeKey("node", "email")


def of(node: str) -> list[str]:
    """The addresses with which a node is shared, sorted."""
    return [email for (email,) in read("SELECT email FROM node_share WHERE node = ? ORDER BY email", node)]


def everywhere() -> dict[str, frozenset[str]]:
    """The addresses with which each node is shared that is."""
    found: dict[str, set[str]] = {}
    for node, email in read("SELECT node, email FROM node_share"):
        found.setdefault(node, set()).add(email)
    return {node: frozenset(emails) for node, emails in found.items()}


def put(node: str, emails: Iterable[str]) -> None:
    """Share a node with these addresses, and no others."""
    NodeShare.delete().where(NodeShare.node == node).execute()
    for email in emails:
        NodeShare.create(node=node, email=email)


def forget(email: str) -> None:
    """Nothing is shared with this address any more."""
    NodeShare.delete().where(NodeShare.email == email).execute()
