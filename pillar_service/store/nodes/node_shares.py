"""Whom nodes are shared with: the e-mail addresses of accounts that may place bots on them.

It holds addresses, not accounts, so that sharing a node does not reveal whether somebody has an account here.
"""

from collections.abc import Iterable

from peewee import CompositeKey, TextField

from pillar_service.store.database import Table
from pillar_service.store.sql import read


class NodeShare(Table):
    """One node shared with the account that has this address, if any."""

    node = TextField()
    email = TextField()

    class Meta:
        primary_key = CompositeKey("node", "email")


def of(node: str) -> list[str]:
    """The addresses that a node is shared with, sorted."""
    return [email for (email,) in read("SELECT email FROM node_share WHERE node = ? ORDER BY email", node)]


def everywhere() -> dict[str, frozenset[str]]:
    """The addresses that each shared node is shared with, by node."""
    found: dict[str, set[str]] = {}
    for node, email in read("SELECT node, email FROM node_share"):
        found.setdefault(node, set()).add(email)
    return {node: frozenset(emails) for node, emails in found.items()}


def put(node: str, emails: Iterable[str]) -> None:
    """Share a node with exactly these addresses."""
    NodeShare.delete().where(NodeShare.node == node).execute()
    for email in emails:
        NodeShare.create(node=node, email=email)


def forget(email: str) -> None:
    """Stop sharing any node with this address."""
    NodeShare.delete().where(NodeShare.email == email).execute()
