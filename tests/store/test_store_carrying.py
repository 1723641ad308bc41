"""The database of a released version, migrated, moves to the other kind and back without loss."""

import gzip
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from databases import Postgres
from test_store_migrations import RELEASED, asked, load, rows

from pillar_service.core.errors import Conflict, Failed
from pillar_service.store import database, schema
from pillar_service.store.database import db
from pillar_service.store.service import carrying

New = Callable[[str], str]


@pytest.fixture
def new(postgres: Postgres, tmp_path: Path) -> New:
    """Makes an empty database of a kind and returns its address."""

    def made(kind: str) -> str:
        name = f"carried_{secrets.token_hex(4)}"
        return postgres.new(name) if kind == "postgresql" else f"sqlite:///{tmp_path}/{name}.sqlite"

    return made


def full(kind: str, new: New) -> str:
    """Make a migrated database with rows in every table of the first released version; return its address."""
    address = new(kind)
    database.connect(address)
    dump = Path(__file__).parent / "released" / f"{RELEASED[-1]}.{kind}.sql.gz"
    load(address, gzip.decompress(dump.read_bytes()).decode())
    schema.migrate()
    return address


def held() -> dict[str, list[str]]:
    """All rows as text, the same on both kinds of database: SQLite has no booleans."""
    return {table: sorted(str(alike(row)) for row in found) for table, found in rows().items()}


def alike(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, int(value) if isinstance(value, bool) else value) for name, value in sorted(row.items())]


@pytest.mark.parametrize("kinds", [("sqlite", "postgresql"), ("postgresql", "sqlite")], ids="-".join)
def test_every_row_arrives_as_it_was_and_comes_back(kinds: tuple[str, str], new: New) -> None:
    old, other = kinds
    first = full(old, new)
    db.execute_sql("DELETE FROM event WHERE n = (SELECT MAX(n) FROM event)")
    was, last = held(), last_event()
    there = new(other)
    counts = carrying.carry(there)
    assert db.obj.database in there
    assert held() == was
    assert {table: len(found) for table, found in was.items()} == counts
    assert sum(map(bool, was.values())) > 30, "a full database"
    assert last_event() == last
    with pytest.raises(Exception, match="only added to"):
        db.execute_sql("DELETE FROM audit")
    database.release()
    database.connect(first)
    assert held() == was, "the old one stays as it is"
    database.connect(there)
    carrying.carry(new(old))
    assert held() == was
    assert last_event() == last
    database.release()


def last_event() -> int:
    """The last number given to an event, even if that event is gone."""
    return carrying._last(db.obj, "event", "n")


def test_what_the_database_numbers_is_known(fresh_url: str) -> None:
    database.connect(fresh_url)
    schema.migrate()
    if database.on_sqlite():
        found = asked("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' AND type = 'table'")
    else:
        found = asked("SELECT table_name FROM information_schema.columns WHERE is_identity = 'YES'")
    assert {table for (table,) in found} == set(carrying.NUMBERED)
    left = {table for table, found in rows().items() if found}
    assert left == set(carrying.MADE_BY_STEPS) - {"schema_migration"}
    database.release()


def test_only_an_empty_database_is_moved_into(new: New) -> None:
    first = full("sqlite", new)
    another = full("sqlite", new)
    for taken, said in ((another, "is not empty"), (first, "is not empty")):
        database.connect(first)
        with pytest.raises(Conflict, match=said):
            carrying.carry(taken)
    strange = new("sqlite")
    database.connect(strange)
    db.execute_sql("CREATE TABLE theirs (id TEXT)")
    database.connect(first)
    with pytest.raises(Conflict, match="is not empty"):
        carrying.carry(strange)
    database.release()


def test_one_that_is_not_up_to_date_is_not_moved(new: New) -> None:
    first = full("sqlite", new)
    database.connect(first)
    schema.migrate_back()
    there = new("sqlite")
    with pytest.raises(Conflict, match="not up to date"):
        carrying.carry(there)
    database.release()


@pytest.mark.parametrize(
    ("kind", "spoilt", "said"),
    [
        ("sqlite", "UPDATE bot SET node = 'no', port = NULL", "refer to what is not there"),
        ("postgresql", "UPDATE bot SET node = 'no', port = NULL", "is not present in table"),
        ("postgresql", "UPDATE agent SET description = 'a' || char(0)", "NUL"),
    ],
)
def test_what_can_not_be_held_is_told_and_leaves_nothing(kind: str, spoilt: str, said: str, new: New) -> None:
    full("sqlite", new)
    db.execute_sql("PRAGMA foreign_keys = 0")
    db.execute_sql(spoilt)
    there = new(kind)
    with pytest.raises(Failed, match=said):
        carrying.carry(there)
    assert not any(found for table, found in rows().items() if table not in carrying.MADE_BY_STEPS)
    full("sqlite", new)
    assert carrying.carry(there)["agent"], "it is begun again"
    database.release()
