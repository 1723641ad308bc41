"""Copying all rows of this process's database into an empty one, of either kind.

Values are copied as the database stores them, not through the models, so that what the audit's links were made from stays
the same, byte by byte.
"""

import sqlite3
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from graphlib import TopologicalSorter
from typing import Any

import peewee
import psycopg

from pillar_service.core.errors import Conflict, Failed, Unavailable
from pillar_service.store import database, schema
from pillar_service.store.database import FAULTS, WRITER_LOCK, db, explained, transaction

NUMBERED = {"event": "n"}
"""The columns that the database itself numbers, by table. A number is never given twice, even when its row is deleted."""

MADE_BY_STEPS = ("schema_migration", "audit_head", "change")
"""The tables that have rows in an empty database: the migrations add them."""

Database = Any
"""A peewee database, whose methods have no types."""

AT_ONCE = 1000
"""How many rows are fetched from PostgreSQL at a time."""


def carry(url: str) -> dict[str, int]:
    """Copy all rows to the database at ``url``, and use that from then on; return the number of rows by table.

    The old database stays as it is, and nobody can write to it meanwhile. The new one gets all rows or none, so a failed copy
    can be repeated. Raises Conflict (the old one is not up to date, or the new one not empty), Failed, Unavailable.
    """
    if schema.pending()[1]:
        raise Conflict("The database is not up to date: run `python -m pillar_service.web migrate` first.")
    source = db.obj
    database.connect(url)
    _refuse_unless_empty()
    schema.migrate()
    try:
        with _held(source), transaction(), _without_triggers():
            return _copied(source)
    except (sqlite3.Error, psycopg.Error) as error:
        raise Failed(f"The rows could not be carried over, and nothing was ({error}).") from error
    finally:
        source.close()


def _refuse_unless_empty() -> None:
    try:
        tables = set(db.get_tables()) - {"sqlite_sequence"}
        ours = "schema_migration" in tables
        if (tables and not ours) or any(_count(db.obj, table) for table in tables.difference(MADE_BY_STEPS)):
            raise Conflict("The database to move to is not empty: make a new one. Nothing was touched.")
    except FAULTS as error:
        raise explained(error) from error


@contextmanager
def _held(source: Database) -> Iterator[None]:
    """Keep all others from writing to ``source``."""
    try:
        with source.atomic():  # on SQLite this takes the write lock
            if _is_postgres(source):
                source.execute_sql("SET LOCAL statement_timeout = 0")
                source.execute_sql("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
            yield
    except peewee.OperationalError as error:
        raise Unavailable(f"The databases can't be copied now ({error}): stop what writes into them.") from error


@contextmanager
def _without_triggers() -> Iterator[None]:
    """Do without the audit's triggers: they would refuse a head whose first rows are missing, deleted by retention."""
    if _is_postgres(db.obj):
        db.execute_sql("SET LOCAL statement_timeout = 0")
        for verb in ("DISABLE", "ENABLE"):
            for table in ("audit", "audit_head"):
                db.execute_sql(f"ALTER TABLE {table} {verb} TRIGGER USER")
            if verb == "DISABLE":
                yield
        return
    db.execute_sql("PRAGMA defer_foreign_keys = ON")  # a part may come before its job
    triggers = db.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute_sql(f"DROP TRIGGER {name}")
    yield
    for _, made in triggers:
        db.execute_sql(made)


def _copied(source: Database) -> dict[str, int]:
    tables = _in_order(source)
    for table in reversed(tables):
        db.execute_sql(f"DELETE FROM {table}")  # noqa: S608  # the rows that the migrations added
    for table in tables:
        _put(table, [column.name for column in source.get_columns(table)], source)
    for table, column in NUMBERED.items():
        _number_on(table, column, _last(source, table, column))
    was, now = ({table: _count(one, table) for table in tables} for one in (source, db.obj))
    _refuse_other_counts(was, now)
    _refuse_strays()
    return now


def _refuse_strays() -> None:
    """Raise Failed for broken references. SQLite reports them only at commit, without their place; PostgreSQL already has."""
    strays = [] if _is_postgres(db.obj) else db.execute_sql("PRAGMA foreign_key_check").fetchmany(3)
    if strays:
        raise Failed(f"Rows refer to what is not there, so nothing was kept: {strays}.")


def _refuse_other_counts(was: Mapping[str, int], now: Mapping[str, int]) -> None:
    wrong = [f"{table}: {now[table]} of {count}" for table, count in was.items() if now[table] != count]
    if wrong:
        raise Failed(f"Not every row arrived, so nothing was kept: {', '.join(wrong)}.")


def _in_order(source: Database) -> list[str]:
    """All tables but that of the migrations, each after those that it refers to."""
    tables = set(source.get_tables()) - {"schema_migration", "sqlite_sequence"}
    return list(
        TopologicalSorter(
            {table: {key.dest_table for key in source.get_foreign_keys(table)} - {table} for table in tables}
        ).static_order()
    )


def _put(table: str, columns: list[str], source: Database) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    with closing(_rows(source, f'SELECT {names} FROM "{table}"')) as found:  # noqa: S608
        if _is_postgres(db.obj):
            with db.connection().cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as into:
                for row in found:
                    into.write_row(row)
        else:
            places = ", ".join("?" * len(columns))
            db.connection().executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', found)  # noqa: S608


def _rows(source: Database, question: str) -> Generator[tuple[Any, ...], None, None]:
    """The rows, a few at a time, so that a year of events need not fit into memory."""
    if not _is_postgres(source):
        yield from source.connection().execute(question)
        return
    with source.connection().cursor(name="carried") as cursor:
        cursor.itersize = AT_ONCE
        yield from cursor.execute(question)


def _last(source: Database, table: str, column: str) -> int:
    """The last number given in a column; 0 if there was none."""
    if _is_postgres(source):
        asked = source.execute_sql("SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, %s))", (table, column))
    else:
        asked = source.execute_sql("SELECT MAX(seq) FROM sqlite_sequence WHERE name = ?", (table,))
    return int(asked.fetchone()[0] or 0)


def _number_on(table: str, column: str, last: int) -> None:
    if not last:
        return
    if _is_postgres(db.obj):
        db.execute_sql("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (table, column, last))
    else:
        db.execute_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        db.execute_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))


def _count(one: Database, table: str) -> int:
    return int(one.execute_sql(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0])  # noqa: S608


def _is_postgres(one: Database) -> bool:
    return isinstance(one, peewee.PostgresqlDatabase)
