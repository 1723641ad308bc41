"""Masters, which may use the private app."""

from peewee import DoubleField, IntegerField, TextField

from pillar_service.core.nodes.enrolment import MasterFacts
from pillar_service.store.database import Table, db
from pillar_service.store.sql import read


class Master(Table):
    """A master: the hash of its token, when it last asked for jobs, and where nodes find it."""

    name = TextField(primary_key=True)
    token_hash = TextField(unique=True)
    created_at = DoubleField()
    seen_at = DoubleField(null=True)
    address = TextField(null=True)
    publish_port = IntegerField(null=True)
    return_port = IntegerField(null=True)
    public_key = TextField(null=True)


def put(name: str, token_hash: str, now: float) -> None:
    """Add a master, or give it a new token."""
    Master.insert(name=name, token_hash=token_hash, created_at=now).on_conflict(
        conflict_target=[Master.name], preserve=[Master.token_hash]
    ).execute()


def hashes() -> list[tuple[str, str]]:
    """Every master's name and the hash of its token. Skips the query builder, as every request of a master reads them."""
    return list(db.execute_sql("SELECT name, token_hash FROM master").fetchall())


def seen(name: str, now: float) -> None:
    """Record that a master has just asked for jobs."""
    Master.update(seen_at=now).where(Master.name == name).execute()


def seen_at(name: str) -> float | None:
    """When a master last asked for jobs, as recorded by `seen`."""
    found: float | None = Master.select(Master.seen_at).where(Master.name == name).scalar()
    return found


def tell(name: str, facts: MasterFacts) -> None:
    """Set where nodes find a master, and its public key."""
    told = {"address": facts.address, "publish_port": facts.publish_port, "return_port": facts.return_port}
    Master.update(**told, public_key=facts.public_key).where(Master.name == name).execute()


def found() -> list[MasterFacts]:
    """Where nodes find the masters, the one that last asked for jobs first."""
    told = "address, publish_port, return_port, public_key"
    rows = read(f"SELECT {told} FROM master WHERE public_key IS NOT NULL ORDER BY COALESCE(seen_at, 0) DESC, name")  # noqa: S608
    return [MasterFacts(*row) for row in rows]
