"""Bundles that were published."""

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


def listed(after: float = 0.0) -> list[Bundle]:
    """Those that have not expired then, the newest first, without their bodies."""
    columns = [one for one in Bundle._meta.sorted_fields if one.name != "body"]
    return list(Bundle.select(*columns).where(Bundle.expires_at > after).order_by(Bundle.serial.desc()))


def body(serial: int) -> str | None:
    """The whole of one."""
    found = Bundle.select(Bundle.body).where(Bundle.serial == serial).scalar()
    return None if found is None else str(found)


def prune(account: str | None) -> None:
    """Let go of old ones of an account, or of everybody's."""
    same = Bundle.account.is_null() if account is None else Bundle.account == account
    kept = Bundle.select(Bundle.serial).where(same).order_by(Bundle.serial.desc()).limit(KEPT)
    Bundle.delete().where(same & Bundle.serial.not_in([one.serial for one in kept])).execute()
