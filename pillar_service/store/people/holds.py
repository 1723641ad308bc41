"""Holds: why accounts are suspended."""

from peewee import CompositeKey, DoubleField, TextField

from pillar_service.core.people.agents import Hold
from pillar_service.store.database import Table


class AccountHold(Table):
    """One reason why an account is suspended, and who gave it."""

    account = TextField()
    why = TextField()
    actor = TextField()
    at = DoubleField()

    class Meta:
        table_name = "hold"
        primary_key = CompositeKey("account", "why")


def put(account: str, why: Hold, actor: str, now: float) -> None:
    """Add a hold to an account, unless it has that hold already."""
    if why not in of(account):
        AccountHold.create(account=account, why=str(why), actor=actor, at=now)


def lift(account: str, why: Hold) -> None:
    """Remove a hold from an account."""
    AccountHold.delete().where((AccountHold.account == account) & (AccountHold.why == str(why))).execute()


def of(account: str) -> set[Hold]:
    """The holds on an account."""
    return {Hold(row.why) for row in AccountHold.select().where(AccountHold.account == account)}
