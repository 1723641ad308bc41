"""Transfers: tars on their way, uploaded to be imported or exported to be fetched."""

from peewee import BigIntegerField, DoubleField, TextField

from pillar_service.store import plain
from pillar_service.store.database import Table


class Transfer(Table):
    """One tar. ``kind`` is upload or export; ``job`` is the job that it is for, None until an upload is used."""

    id = TextField(primary_key=True)
    kind = TextField()
    job = TextField(null=True)
    pub_id = TextField()
    sequence = BigIntegerField()
    size = BigIntegerField()
    sha256 = TextField()
    created_at = DoubleField()


def add(**columns: object) -> Transfer:
    """Add a transfer."""
    return Transfer.create(**columns)


def find(id: str) -> Transfer | None:
    """The transfer with that id."""
    return Transfer.get_or_none(Transfer.id == id)


def of_job(job: str) -> Transfer | None:
    """The transfer that a job is about."""
    return Transfer.get_or_none(Transfer.job == job)


def of_bot(bot: str) -> list[Transfer]:
    """The transfers that a bot's jobs are about, the newest first."""
    return plain.found(Transfer, "WHERE job IN (SELECT id FROM job WHERE bot = ?) ORDER BY created_at DESC, id", bot)


def use(id: str, job: str) -> bool:
    """Give an upload to the job that imports it; False when another has it."""
    given = Transfer.update(job=job).where((Transfer.id == id) & Transfer.job.is_null())
    return bool(given.execute() == 1)


def hand_on(id: str, job: str) -> None:
    """Make an export what another job imports."""
    Transfer.update(kind="upload", job=job).where(Transfer.id == id).execute()


def older_than(then: float) -> list[Transfer]:
    """The transfers from before then."""
    return list(Transfer.select().where(Transfer.created_at < then))


def all_ids() -> set[str]:
    """The ids of all transfers."""
    return {row.id for row in Transfer.select(Transfer.id)}


def forget(id: str) -> None:
    """Forget a transfer."""
    Transfer.delete().where(Transfer.id == id).execute()
