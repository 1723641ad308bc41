"""The catalogue of commands as it was last read without a fault, and the fault since."""

from peewee import DoubleField, IntegerField, TextField

from pillar_service.store.database import Table
from pillar_service.store.sql import read


class KeptCatalogue(Table):
    """One row: the catalogue as JSON, its files' fingerprint, when it was read; ``fault`` is why a later one was not.

    Body and fingerprint are empty when none could ever be read.
    """

    id = IntegerField(primary_key=True)
    body = TextField()
    fingerprint = TextField()
    read_at = DoubleField()
    fault = TextField(null=True)

    class Meta:
        table_name = "kept_catalogue"


def find() -> KeptCatalogue | None:
    """The one that is kept."""
    return KeptCatalogue.get_or_none(KeptCatalogue.id == 1)


def fingerprint() -> str | None:
    """The fingerprint of the one that is kept. Cheap: it is asked for each command."""
    return next((found for (found,) in read("SELECT fingerprint FROM kept_catalogue WHERE id = 1")), None)


def put(body: str, fingerprint: str, now: float) -> None:
    """Keep another one, without a fault."""
    KeptCatalogue.insert(id=1, body=body, fingerprint=fingerprint, read_at=now, fault=None).on_conflict(
        conflict_target=[KeptCatalogue.id],
        update={"body": body, "fingerprint": fingerprint, "read_at": now, "fault": None},
    ).execute()


def fail(fault: str | None, now: float) -> None:
    """Remember why the files can't be taken now, or that they can again; what is kept stays."""
    KeptCatalogue.insert(id=1, body="", fingerprint="", read_at=now, fault=fault).on_conflict(
        conflict_target=[KeptCatalogue.id], update={"fault": fault}
    ).execute()
