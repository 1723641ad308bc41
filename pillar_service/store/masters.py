"""Masters: who may use the private app."""

from peewee import DoubleField, TextField

from pillar_service.store.database import Table, db


class Master(Table):
    """A salt-master, the hash of its token, and when it last asked for jobs."""

    name = TextField(primary_key=True)
    token_hash = TextField(unique=True)
    created_at = DoubleField()
    seen_at = DoubleField(null=True)


def put(name: str, token_hash: str, now: float) -> None:
    """Add a master, or give it a new token."""
    Master.insert(name=name, token_hash=token_hash, created_at=now).on_conflict(
        conflict_target=[Master.name], preserve=[Master.token_hash]
    ).execute()


def hashes() -> list[tuple[str, str]]:
    """Every master's name and the hash of its token; past the query builder, for every request asks it."""
    return list(db.execute_sql("SELECT name, token_hash FROM master").fetchall())


def seen(name: str, now: float) -> None:
    """A master has just asked for jobs."""
    Master.update(seen_at=now).where(Master.name == name).execute()


def seen_at(name: str) -> float | None:
    """When a master last asked for jobs, as far as it is written down."""
    found: float | None = Master.select(Master.seen_at).where(Master.name == name).scalar()
    return found
