"""Bundles that were published."""

from typing import Any

from peewee import BigIntegerField, DoubleField, TextField, fn

from pillar_service.store.database import Table

KEPT = 20
"""How many are kept for each account, and for all."""


class Bundle(Table):
    """A bundle: ``manifest`` is what was signed, ``body`` the whole as nodes fetch it."""

    serial = BigIntegerField(primary_key=True)
    made_at = DoubleField()
    expires_at = DoubleField()
    account = TextField(null=True)
    actor = TextField()
    manifest = TextField()
    body = TextField()


def add(**columns: object) -> None:
    """Add one."""
    Bundle.create(**columns)


def newest() -> int:
    """The highest serial that there ever was; 0 before the first."""
    return int(Bundle.select(fn.MAX(Bundle.serial)).scalar() or 0)


def listed(after: float) -> list[Bundle]:
    """Those that have not expired then, the newest first, without their bodies."""
    return _found(Bundle.expires_at > after)


def listed_for(account: str | None, after: float) -> list[Bundle]:
    """The same, of those for everybody and for an account's nodes alone. Cheap: each node asks for them."""
    return _found((Bundle.account.is_null() | (Bundle.account == account)) & (Bundle.expires_at > after))


def _found(which: Any) -> list[Bundle]:
    columns = [one for one in Bundle._meta.sorted_fields if one.name != "body"]
    return list(Bundle.select(*columns).where(which).order_by(Bundle.serial.desc()))


def body(serial: int) -> str | None:
    """The whole of one."""
    found = Bundle.select(Bundle.body).where(Bundle.serial == serial).scalar()
    return None if found is None else str(found)


def prune(account: str | None) -> None:
    """Let go of old ones of an account, or of everybody's."""
    same = Bundle.account.is_null() if account is None else Bundle.account == account
    kept = Bundle.select(Bundle.serial).where(same).order_by(Bundle.serial.desc()).limit(KEPT)
    Bundle.delete().where(same & Bundle.serial.not_in([one.serial for one in kept])).execute()
