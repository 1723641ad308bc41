"""Governors: their leases and fences. How many may hold a governor at a time is set in the configuration."""

from peewee import BigIntegerField, CompositeKey, DoubleField, IntegerField, TextField

from pillar_service.core.nodes.governors import Lease
from pillar_service.store import plain
from pillar_service.store.database import Table


class Governor(Table):
    """The highest fence given out by a governor; it stays when the governor is gone from the configuration."""

    account = TextField()
    name = TextField()
    fence = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account", "name")


class GovernorLease(Table):
    """A lease, which may have expired."""

    account = TextField()
    name = TextField()
    holder = TextField()
    fence = BigIntegerField()
    seconds = IntegerField()
    expires_at = DoubleField()

    class Meta:
        primary_key = CompositeKey("account", "name", "holder")


def fence(account: str, name: str) -> int:
    """The highest fence that a governor gave out; 0 before the first."""
    found = plain.first(Governor, "WHERE account = ? AND name = ?", account, name)
    return found.fence if found else 0


def leases(account: str, name: str) -> list[Lease]:
    """The leases on a governor, including expired ones, in the order of their fences."""
    found = plain.found(GovernorLease, "WHERE account = ? AND name = ? ORDER BY fence", account, name)
    return [Lease(one.holder, one.fence, one.seconds, one.expires_at) for one in found]


def give(account: str, name: str, kept: list[Lease], fence: int) -> None:
    """Replace all leases on a governor, and set the highest fence that it gave out."""
    GovernorLease.delete().where(_on(account, name)).execute()
    for one in kept:
        columns = {"holder": one.holder, "fence": one.fence, "seconds": one.seconds, "expires_at": one.expires_at}
        GovernorLease.create(account=account, name=name, **columns)
    Governor.insert(account=account, name=name, fence=fence).on_conflict(
        conflict_target=[Governor.account, Governor.name], preserve=[Governor.fence]
    ).execute()


def _on(account: str, name: str) -> object:
    return (GovernorLease.account == account) & (GovernorLease.name == name)


def release(account: str, name: str, holder: str, fence: int | None = None) -> None:
    """Delete a holder's lease; if a fence is given, only if the lease still has it."""
    mine = _on(account, name) & (GovernorLease.holder == holder)
    GovernorLease.delete().where(mine if fence is None else mine & (GovernorLease.fence == fence)).execute()


def forget_all(account: str) -> None:
    """Delete all governors of an account, with their leases."""
    for table in (GovernorLease, Governor):
        table.delete().where(table.account == account).execute()
