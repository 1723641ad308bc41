"""Governors: the leases on them, and their fences. How many may hold one stands in the configuration."""

from peewee import BigIntegerField, CompositeKey, DoubleField, IntegerField, TextField

from pillar_service.core.nodes.governors import Lease
from pillar_service.store import plain
from pillar_service.store.database import Table


class Governor(Table):
    """The highest fence that was given; it stays when the governor is gone."""

    account = TextField()
    name = TextField()
    fence = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account", "name")


class GovernorLease(Table):
    """A lease, which may be over."""

    account = TextField()
    name = TextField()
    holder = TextField()
    fence = BigIntegerField()
    seconds = IntegerField()
    expires_at = DoubleField()

    class Meta:
        primary_key = CompositeKey("account", "name", "holder")


def fence(account: str, name: str) -> int:
    """The highest fence that was given; 0 before the first."""
    found = plain.first(Governor, "WHERE account = ? AND name = ?", account, name)
    return found.fence if found else 0


def leases(account: str, name: str) -> list[Lease]:
    """The leases on a governor in the order of their fences, those that are over too."""
    found = plain.found(GovernorLease, "WHERE account = ? AND name = ? ORDER BY fence", account, name)
    return [Lease(one.holder, one.fence, one.seconds, one.expires_at) for one in found]


def give(account: str, name: str, kept: list[Lease], fence: int) -> None:
    """These are all leases on a governor from now on, and this is the highest fence that was given."""
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
    """Let go of somebody's lease; with a fence only if it is still that one."""
    mine = _on(account, name) & (GovernorLease.holder == holder)
    GovernorLease.delete().where(mine if fence is None else mine & (GovernorLease.fence == fence)).execute()


def forget_all(account: str) -> None:
    """Let go of all governors of an account."""
    for table in (GovernorLease, Governor):
        table.delete().where(table.account == account).execute()
