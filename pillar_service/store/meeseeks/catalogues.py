"""The catalogue of commands as last read without a fault, and the fault found since then."""

from peewee import DoubleField, IntegerField, TextField

from pillar_service.store.database import Table
from pillar_service.store.sql import read


class KeptCatalogue(Table):
    """One row: the catalogue as JSON, its files' fingerprint and when it was read.

    ``fault`` is why the files could not be read since then. Body and fingerprint are empty if they never could.
    """

    id = IntegerField(primary_key=True)
    body = TextField()
    fingerprint = TextField()
    read_at = DoubleField()
    fault = TextField(null=True)

    class Meta:
        table_name = "kept_catalogue"


def find() -> KeptCatalogue | None:
    """The kept catalogue."""
    return KeptCatalogue.get_or_none(KeptCatalogue.id == 1)


def fingerprint() -> str | None:
    """The fingerprint of the kept catalogue. Cheap, as it is read for each command."""
    return next((found for (found,) in read("SELECT fingerprint FROM kept_catalogue WHERE id = 1")), None)


def put(body: str, fingerprint: str, now: float) -> None:
    """Replace the kept catalogue, and clear the fault."""
    KeptCatalogue.insert(id=1, body=body, fingerprint=fingerprint, read_at=now, fault=None).on_conflict(
        conflict_target=[KeptCatalogue.id],
        update={"body": body, "fingerprint": fingerprint, "read_at": now, "fault": None},
    ).execute()


def fail(fault: str | None, now: float) -> None:
    """Record why the files can't be read now (None: they can again); the kept catalogue stays."""
    KeptCatalogue.insert(id=1, body="", fingerprint="", read_at=now, fault=fault).on_conflict(
        conflict_target=[KeptCatalogue.id], update={"fault": fault}
    ).execute()
