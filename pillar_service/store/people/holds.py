"""Holds: why accounts are suspended."""

from peewee import CompositeKey, DoubleField, TextField

from pillar_service.core.people.agents import Hold
from pillar_service.store.database import Table


class AccountHold(Table):
    """One reason for which an account is suspended, and who gave it."""

    account = TextField()
    why = TextField()
    actor = TextField()
    at = DoubleField()

    class Meta:
        table_name = "hold"
        primary_key = CompositeKey("account", "why")


def put(account: str, why: Hold, actor: str, now: float) -> None:
    """Hold an account, if that does not hold it already."""
    if why not in of(account):
        AccountHold.create(account=account, why=str(why), actor=actor, at=now)


def lift(account: str, why: Hold) -> None:
    """Take a hold away."""
    AccountHold.delete().where((AccountHold.account == account) & (AccountHold.why == str(why))).execute()


def of(account: str) -> set[Hold]:
    """What holds an account."""
    return {Hold(row.why) for row in AccountHold.select().where(AccountHold.account == account)}
