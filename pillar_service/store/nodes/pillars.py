"""Ready-made pillar bodies, and the counter of their changes."""

from peewee import BigIntegerField, IntegerField, TextField

from pillar_service.store.database import Table, db, on_sqlite
from pillar_service.store.sql import read


class Pillar(Table):
    """A node's pillar, as the text to send; ``serial`` is the change that made it.

    ``configured`` is the last change that also changed the configuration of the node's account.
    """

    node = TextField(primary_key=True)
    body = TextField()
    etag = TextField()
    serial = BigIntegerField()
    configured = BigIntegerField(default=0)


class Change(Table):
    """One row: the serial of the last change, and the fingerprint of the settings that the bodies were made with."""

    id = IntegerField(primary_key=True)
    serial = BigIntegerField()
    fingerprint = TextField()


READY_SQLITE = "SELECT body, etag, key_serial FROM pillar JOIN node ON node.id = pillar.node WHERE pillar.node = ?"
READY_POSTGRES = READY_SQLITE.replace("?", "%s")


def ready(node: str) -> tuple[str, str, int] | None:
    """A node's body, entity tag and key serial. Skips the query builder, as every pillar request reads it."""
    row = db.execute_sql(READY_SQLITE if on_sqlite() else READY_POSTGRES, (node,)).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def write(node: str, body: str, etag: str) -> bool:
    """Write a node's body under the next serial; False, with nothing written, when the body is unchanged."""
    same = (Pillar.node == node) & (Pillar.etag == etag) & (Pillar.body == body)
    if Pillar.select().where(same).exists():
        return False
    Change.update(serial=Change.serial + 1).execute()
    Pillar.insert(node=node, body=body, etag=etag, serial=serial()).on_conflict(
        conflict_target=[Pillar.node], preserve=[Pillar.body, Pillar.etag, Pillar.serial]
    ).execute()
    return True


def serial() -> int:
    """The serial of the last change."""
    return int(Change.select(Change.serial).scalar())


def changed(after: int, limit: int = 1000) -> list[Pillar]:
    """The nodes whose body changed after that serial, in the order of the changes."""
    rows = Pillar.select(Pillar.node, Pillar.serial, Pillar.configured).where(Pillar.serial > after)
    return list(rows.order_by(Pillar.serial).limit(limit))


def configured(node: str) -> None:
    """Record that the last change of a node's body changed its configuration, too."""
    Pillar.update(configured=Pillar.serial).where(Pillar.node == node).execute()


def fingerprint() -> str:
    """The fingerprint of the settings that the bodies were made with."""
    return next((str(found) for (found,) in read("SELECT fingerprint FROM change")), "")


def fingerprints() -> tuple[str, str]:
    """That fingerprint, and the one of the kept catalogue. Cheap, as each command reads them."""
    told = "SELECT change.fingerprint, kept_catalogue.fingerprint FROM change LEFT JOIN kept_catalogue ON kept_catalogue.id = 1"
    return next(((made or "", kept or "") for made, kept in read(told)), ("", ""))


def stamp(fingerprint: str) -> None:
    """Set the fingerprint of the settings that the bodies were made with."""
    Change.update(fingerprint=fingerprint).execute()


def forget(node: str) -> None:
    """Delete a node's body."""
    Pillar.delete().where(Pillar.node == node).execute()
