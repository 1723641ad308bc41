"""Published bundles."""

from typing import Any

from peewee import BigIntegerField, DoubleField, TextField, fn

from pillar_service.store.database import Table

KEPT = 20
"""How many bundles are kept for each account, and how many of those for everybody."""


class Bundle(Table):
    """A bundle: ``manifest`` is the signed part, ``body`` the whole bundle as nodes fetch it. No ``account``: for everybody."""

    serial = BigIntegerField(primary_key=True)
    made_at = DoubleField()
    expires_at = DoubleField()
    account = TextField(null=True)
    actor = TextField()
    manifest = TextField()
    body = TextField()


def add(**columns: object) -> None:
    """Add a bundle."""
    Bundle.create(**columns)


def newest() -> int:
    """The highest serial of any bundle; 0 before the first."""
    return int(Bundle.select(fn.MAX(Bundle.serial)).scalar() or 0)


def listed(after: float) -> list[Bundle]:
    """The bundles that expire after ``after`` (Unix seconds), newest first, without their bodies."""
    return _found(Bundle.expires_at > after)


def listed_for(account: str | None, after: float) -> list[Bundle]:
    """The same, only for everybody or for this account's nodes. Cheap, as each node asks for them."""
    return _found((Bundle.account.is_null() | (Bundle.account == account)) & (Bundle.expires_at > after))


def _found(which: Any) -> list[Bundle]:
    columns = [one for one in Bundle._meta.sorted_fields if one.name != "body"]
    return list(Bundle.select(*columns).where(which).order_by(Bundle.serial.desc()))


def body(serial: int) -> str | None:
    """The body of a bundle."""
    found = Bundle.select(Bundle.body).where(Bundle.serial == serial).scalar()
    return None if found is None else str(found)


def prune(account: str | None) -> None:
    """Delete all but the ``KEPT`` newest bundles of an account, or (None) of those for everybody."""
    same = Bundle.account.is_null() if account is None else Bundle.account == account
    kept = Bundle.select(Bundle.serial).where(same).order_by(Bundle.serial.desc()).limit(KEPT)
    Bundle.delete().where(same & Bundle.serial.not_in([one.serial for one in kept])).execute()
