"""Second factors: the secrets that make codes, and the codes for who has lost theirs."""

from collections.abc import Iterable

from peewee import BigIntegerField, BooleanField, DoubleField, TextField

from pillar_service.store.database import Table


class SecondFactor(Table):
    """An account's secret, encrypted; a code is asked for once it ``is_on``. ``last_step`` is that of the last code taken."""

    account = TextField(primary_key=True)
    secret = TextField()
    created_at = DoubleField()
    is_on = BooleanField(default=False)
    last_step = BigIntegerField(default=0)


class RecoveryCode(Table):
    """A code that stands in for the second factor, once; ``id`` is its hash."""

    id = TextField(primary_key=True)
    account = TextField()


def find(account: str) -> SecondFactor | None:
    """The second factor of an account, on or not yet."""
    return SecondFactor.get_or_none(SecondFactor.account == account)


def put(account: str, secret: str, now: float) -> None:
    """Give an account a secret that is not on yet, in place of any other."""
    SecondFactor.delete().where(SecondFactor.account == account).execute()
    SecondFactor.create(account=account, secret=secret, created_at=now)


def turn_on(account: str) -> None:
    """Ask for a code from now on."""
    SecondFactor.update(is_on=True).where(SecondFactor.account == account).execute()


def drop(account: str) -> None:
    """Forget the secret and the recovery codes of an account."""
    SecondFactor.delete().where(SecondFactor.account == account).execute()
    RecoveryCode.delete().where(RecoveryCode.account == account).execute()


def advance(account: str, step: int) -> bool:
    """Take the code of a step; False when that one, or a later one, was taken already."""
    newer = (SecondFactor.account == account) & (SecondFactor.last_step < step)
    return bool(SecondFactor.update(last_step=step).where(newer).execute() == 1)


def put_recovery(account: str, hashes: Iterable[str]) -> None:
    """Give an account these recovery codes in place of those it had."""
    RecoveryCode.delete().where(RecoveryCode.account == account).execute()
    RecoveryCode.insert_many([{"id": hashed, "account": account} for hashed in hashes]).execute()


def take_recovery(account: str, hashed: str) -> bool:
    """Use a recovery code up; False when there is none such."""
    ours = (RecoveryCode.account == account) & (RecoveryCode.id == hashed)
    return bool(RecoveryCode.delete().where(ours).execute() == 1)


def recovery_left(account: str) -> int:
    """How many recovery codes are left."""
    return int(RecoveryCode.select().where(RecoveryCode.account == account).count())
