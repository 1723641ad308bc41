"""Leases: each lets one holder at a time do something, until it expires, with a number that grows with each new holder."""

from peewee import BigIntegerField, DoubleField, TextField

from pillar_service.store import plain
from pillar_service.store.database import Table


class Lease(Table):
    """One lease. ``fence`` tells a holder from the previous one, even when both have the same name."""

    name = TextField(primary_key=True)
    holder = TextField()
    fence = BigIntegerField()
    expires_at = DoubleField()


def find(name: str) -> Lease | None:
    """The lease of that name, even if it has expired."""
    return plain.first(Lease, "WHERE name = ?", name)


def put(name: str, holder: str, fence: int, expires_at: float) -> None:
    """Give the lease to a holder."""
    Lease.insert(name=name, holder=holder, fence=fence, expires_at=expires_at).on_conflict(
        conflict_target=[Lease.name], update={"holder": holder, "fence": fence, "expires_at": expires_at}
    ).execute()
