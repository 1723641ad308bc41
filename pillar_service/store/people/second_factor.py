"""Second factors: the secrets from which codes are made, and recovery codes for those who have lost theirs."""

from collections.abc import Iterable

from peewee import BigIntegerField, BooleanField, DoubleField, TextField

from pillar_service.store.database import Table


class SecondFactor(Table):
    """An account's secret, encrypted. A code is asked for once it ``is_on``; ``last_step`` is that of the last code taken."""

    account = TextField(primary_key=True)
    secret = TextField()
    created_at = DoubleField()
    is_on = BooleanField(default=False)
    last_step = BigIntegerField(default=0)


class RecoveryCode(Table):
    """A code that replaces the second factor once; ``id`` is its hash."""

    id = TextField(primary_key=True)
    account = TextField()


def find(account: str) -> SecondFactor | None:
    """The second factor of an account, even if it is not on yet."""
    return SecondFactor.get_or_none(SecondFactor.account == account)


def put(account: str, secret: str, now: float) -> None:
    """Give an account a secret that is not on yet, and replace any other."""
    SecondFactor.delete().where(SecondFactor.account == account).execute()
    SecondFactor.create(account=account, secret=secret, created_at=now)


def turn_on(account: str) -> None:
    """Turn an account's second factor on: signing in then takes a code."""
    SecondFactor.update(is_on=True).where(SecondFactor.account == account).execute()


def drop(account: str) -> None:
    """Delete the secret and the recovery codes of an account."""
    SecondFactor.delete().where(SecondFactor.account == account).execute()
    RecoveryCode.delete().where(RecoveryCode.account == account).execute()


def advance(account: str, step: int) -> bool:
    """Take the code of a step; False when it, or one of a later step, was taken already."""
    newer = (SecondFactor.account == account) & (SecondFactor.last_step < step)
    return bool(SecondFactor.update(last_step=step).where(newer).execute() == 1)


def put_recovery(account: str, hashes: Iterable[str]) -> None:
    """Replace the recovery codes of an account."""
    RecoveryCode.delete().where(RecoveryCode.account == account).execute()
    RecoveryCode.insert_many([{"id": hashed, "account": account} for hashed in hashes]).execute()


def take_recovery(account: str, hashed: str) -> bool:
    """Use up a recovery code; False when the account has no such code."""
    ours = (RecoveryCode.account == account) & (RecoveryCode.id == hashed)
    return bool(RecoveryCode.delete().where(ours).execute() == 1)


def recovery_left(account: str) -> int:
    """How many recovery codes an account has left."""
    return int(RecoveryCode.select().where(RecoveryCode.account == account).count())
