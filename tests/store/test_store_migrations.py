"""Each migration is done, undone and done again, on the databases of released versions with their rows."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playhouse.migrations import Migration, Runner

from pillar_service.core.errors import Conflict, NotFound
from pillar_service.store import database, migrations, schema
from pillar_service.store.database import db, transaction

FOLDER = Path(migrations.__file__).parent
STEPS = [step.name for step in Migration.load_directory(str(FOLDER))]
LAST_OF_FIRST = "0027_lost"
"""The last migration of 0.1.0, the first released version."""

RELEASED = sorted({file.name.split(".sqlite.")[0] for file in Path(__file__).parent.glob("released/*.sqlite.sql.gz")})

LET_GO = {
    ("0027_lost", "move"): {"state"},
    ("0009_jobs_of_commands", "job"): {"state", "ended_at"},
}
"""Columns whose values undoing a migration may change, because the older schema has no place for them."""

ROWS_GO = {("0009_jobs_of_commands", table) for table in ("job", "job_line", "run")} | {("0006_series", "sample")}
"""Tables of which undoing a migration may drop rows: jobs of commands had no place before, and samples were whole reports."""


@pytest.fixture(params=RELEASED)
def released(request: pytest.FixtureRequest, fresh_url: str) -> Iterator[str]:
    """A database, of each kind, as a released version left it; gives the version."""
    database.connect(fresh_url)
    kind = "sqlite" if database.on_sqlite() else "postgresql"
    dump = Path(__file__).parent / "released" / f"{request.param}.{kind}.sql.gz"
    load(fresh_url, gzip.decompress(dump.read_bytes()).decode())
    yield request.param
    database.release()


def load(url: str, text: str) -> None:
    """Load a dump into an empty database."""
    if database.on_sqlite():
        import sqlite3

        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.executescript(text)
        connection.close()
    else:
        import psycopg

        with psycopg.connect(url) as other:
            other.execute(text.encode())


def asked(question: str) -> list[tuple[Any, ...]]:
    """The rows that answer a query."""
    return list(db.execute_sql(question).fetchall())


def shape() -> set[str]:
    """Everything that makes up the schema, however it came about."""
    if database.on_sqlite():
        found = asked("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
        return {re.sub(r"\s+|\"", "", sql) for (sql,) in found}
    questions = (
        """SELECT 'column', table_name, column_name, data_type, is_nullable, column_default, is_identity
            FROM information_schema.columns WHERE table_schema = 'public'""",
        """SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
        "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    )
    return {str(row) for question in questions for row in asked(question)}


def rows() -> dict[str, list[dict[str, Any]]]:
    """All rows of each table, by column."""
    told = {}
    for table in db.get_tables():
        if table not in ("schema_migration", "sqlite_sequence"):
            found = db.execute_sql(f"SELECT * FROM {table}")
            names = [column[0] for column in found.description]
            told[table] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return told


def kept(step: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Check that everything both versions have a place for is unchanged, except what the migration is known to drop."""
    for table in before.keys() & after.keys():
        if (step, table) in ROWS_GO:
            continue
        columns = (set.intersection(*(set(row) for row in before[table] + after[table])) if after[table] else set()) - (
            LET_GO.get((step, table), set())
        )
        was, now = (sorted(str([(name, row[name]) for name in sorted(columns)]) for row in told[table])
                    for told in (before, after))  # fmt: skip
        assert len(before[table]) == len(after[table]), f"{step} loses rows of {table}"
        assert was == now, f"{step} changes {table}"


@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_a_way_back(step: str) -> None:
    module = next(one for one in Migration.load_directory(str(FOLDER)) if one.name == step).load()
    assert hasattr(module, "down"), f"Write a down() in {step}.py: an upgrade that fails goes back by it"
    assert re.fullmatch(r"\d{4}_[a-z_]+", step)


def test_steps_are_numbered_one_after_the_other() -> None:
    numbers = [int(step[:4]) for step in STEPS]
    assert numbers == sorted(set(numbers)), "Two steps have the same number: give the later one the next"


def test_each_step_goes_back_and_forward_with_its_rows(released: str) -> None:
    """From the last to the first, each migration is undone, done and undone; schema and rows must be as before."""
    with transaction():
        steps = Runner(db.obj, str(FOLDER))
        steps.up()
    came = {step: (shape(), rows()) for step in STEPS[-1:]}
    for number in range(len(STEPS) - 1, 0, -1):
        step, earlier = STEPS[number], STEPS[number - 1]
        there, had = came[step]
        assert schema.migrate_back() == [step]
        came[earlier] = (shape(), rows())
        kept(step, had, came[earlier][1])
        assert take_only(step) == [step]
        assert shape() == there, f"{step} taken again makes another schema"
        kept(f"{step} again", came[earlier][1], rows())
        assert schema.migrate_back(earlier) == [step]
        assert shape() == came[earlier][0]
    back = {step: told for step, (told, _) in came.items()}
    assert schema.migrate_back() == STEPS[:1]
    assert set(db.get_tables()) <= {"schema_migration", "sqlite_sequence"}
    for step in STEPS:
        assert take_only(step) == [step]
        assert shape() == back[step], f"Back to {step} is not as it was there"


def take_only(step: str) -> list[str]:
    """Do only the next migration."""
    with schema._steps() as steps:
        return list(steps.up(step))


def test_no_row_refers_to_one_that_is_gone(released: str) -> None:
    schema.migrate()
    for step in reversed(STEPS[1:]):
        schema.migrate_back(STEPS[STEPS.index(step) - 1])
        if database.on_sqlite():
            assert asked("PRAGMA foreign_key_check") == [], f"after {step} was undone"


def test_a_released_database_comes_up_to_date_and_can_be_used(
    released: str, fresh_url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pillar_service.settings import settings
    from pillar_service.usecases.bots import bots
    from pillar_service.usecases.nodes import nodes
    from pillar_service.usecases.service import auditing

    for name, value in {**environment, "CELLAR_DATABASE": fresh_url}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    schema.migrate()
    assert schema.migrate() == []
    assert {bot["name"] for bot in bots.listed()} >= {"my", "your"}
    assert auditing.verify()["first_fault"] is None
    nodes.label("test", "cellar-1", {"environment": "prd"})
    assert auditing.verify()["first_fault"] is None
    settings.cache_clear()


def test_two_losses_of_one_bot_leave_one_node_to_clear(released: str) -> None:
    [(bot,)] = asked("SELECT DISTINCT bot FROM move")
    schema.migrate_back("0026_machine_orders")
    found = asked(f"SELECT id, state FROM move WHERE bot = '{bot}' ORDER BY id")
    assert found == [("m1", "clearing"), ("m2", "done"), ("m3", "done")]


def test_a_database_of_a_newer_version_is_refused(fresh_url: str) -> None:
    database.connect(fresh_url)
    schema.migrate()
    with transaction():
        Runner(db.obj, str(FOLDER)).History.create(name="9999_later")
    for attempt in (schema.migrate, schema.migrate_back):
        with pytest.raises(Conflict, match=r"newer version.*9999_later.*run that version"):
            attempt()
    database.release()


def test_back_to_what_never_was_is_refused(fresh_url: str) -> None:
    database.connect(fresh_url)
    with pytest.raises(NotFound, match="no step"):
        schema.migrate_back()
    schema.migrate()
    with pytest.raises(NotFound, match="has no step 9999_later"):
        schema.migrate_back("9999_later")
    assert schema.migrate_back(STEPS[-1]) == []
    database.release()


def test_a_step_that_does_not_stop_the_service_only_adds(fresh_url: str) -> None:
    """During an upgrade the previous version works on the newer schema, so nothing that it knows may change."""
    database.connect(fresh_url)
    last = Runner(db.obj, str(FOLDER)).migrations()
    for step in last[: STEPS.index(LAST_OF_FIRST) + 1]:
        take_only(step.name)
    for step in last[STEPS.index(LAST_OF_FIRST) + 1 :]:
        before = columns()
        take_only(step.name)
        if not getattr(step.load(), schema.STOPS, False):
            assert before <= columns(), f"{step.name} takes away what the version before uses: add `STOPS = True` to it"
            added = {column for column in columns() - before if column[0] in {table for table, *_ in before}}
            needed = [column for column in added if not column[2] and column[3] is None]
            assert needed == [], (
                f"{step.name}: the version before writes no {needed}: give a default, or `STOPS = True`"
            )
    database.release()


def columns() -> set[tuple[str, str, bool, str | None]]:
    """Each column with its table, whether it may be null, and its default."""
    return {
        (table, column.name, column.null, column.default)
        for table in db.get_tables()
        for column in db.get_columns(table)
    }


def test_what_is_to_come_is_told(fresh_url: str) -> None:
    database.connect(fresh_url)
    assert schema.pending() == ("", dict.fromkeys(STEPS, False))
    take_only(STEPS[0])
    at, coming = schema.pending()
    assert (at, list(coming)) == (STEPS[0], STEPS[1:])
    database.release()
