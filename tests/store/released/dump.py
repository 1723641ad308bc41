"""python tests/store/released/dump.py VERSION: dump the database of a place in use, for each kind of database.

Run this once for each released version, with that version's code; the dumps are never changed afterwards. Every later
migration is tried on them (`test_store_migrations.py`).
"""

import gzip
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
sys.path[:0] = [str(TESTS), *(str(TESTS / room) for room in ("browser", "integration", "usecases"))]

import psycopg  # noqa: E402
from databases import Postgres  # noqa: E402
from scene import furnished  # noqa: E402

from pillar_service.store import database, schema  # noqa: E402

FEW = 12
"""How many samples and buckets to keep of the thousands that there are."""


def filled(file: Path) -> sqlite3.Connection:
    """The database of the scene that pages are tested with, which has rows in every table."""
    kept = sqlite3.connect(file)
    with tempfile.TemporaryDirectory() as folder, furnished(Path(folder)) as scene:
        sqlite3.connect(scene.service.folder / "cellar.db").backup(kept)
    for table in ("sample", "bucket"):
        kept.execute(f"DELETE FROM {table} WHERE at NOT IN (SELECT at FROM {table} ORDER BY at DESC LIMIT {FEW})")
    kept.executescript(_with_ids(kept, (HERE / "more.sql").read_text()))
    kept.commit()
    kept.execute("VACUUM")
    empty = [table for table in tables(kept) if not kept.execute(f"SELECT 1 FROM {table}").fetchone()]
    assert empty == [], f"Add rows to more.sql for {empty}"
    return kept


def _with_ids(kept: sqlite3.Connection, text: str) -> str:
    questions = {
        "@bot": "SELECT agent FROM bot WHERE desired = 'running' AND node = 'cellar-1' ORDER BY agent",
        "@person": "SELECT agent FROM account WHERE email = 'owner@example.org'",
        "@node": "SELECT id FROM node WHERE lost_at IS NULL ORDER BY id",
        "@lost": "SELECT id FROM node WHERE lost_at IS NOT NULL",
        "@job": "SELECT id FROM job WHERE state = 'succeeded' ORDER BY id",
    }
    for place, question in questions.items():
        text = text.replace(place, kept.execute(question).fetchone()[0])
    return text


def tables(kept: sqlite3.Connection) -> list[str]:
    """The names of all tables except SQLite's own."""
    found = kept.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return sorted(name for (name,) in found)


def copied(kept: sqlite3.Connection, address: str) -> None:
    """Copy the rows to PostgreSQL, where the schema is made anew."""
    database.connect(address)
    schema.migrate()
    with psycopg.connect(address) as other:
        other.execute("SET session_replication_role = replica")  # the audit refuses; rows come in any order
        other.execute(f"TRUNCATE {', '.join(tables(kept))}")
        for table in tables(kept):
            rows = kept.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in rows.description]
            kinds = dict(other.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s", (table,)
            ).fetchall())  # fmt: skip
            for row in rows:
                _insert(other, table, names, [_as(kinds[name], value) for name, value in zip(names, row, strict=True)])
        other.execute("SELECT setval(pg_get_serial_sequence('event', 'n'), (SELECT max(n) FROM event))")


def _insert(other: psycopg.Connection[Any], table: str, names: list[str], values: list[Any]) -> None:
    places = ", ".join(["%s"] * len(values))
    other.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", values)


def _as(kind: str, value: Any) -> Any:
    return bool(value) if kind == "boolean" and value is not None else value


def main(version: str) -> None:
    """Write both dumps."""
    with tempfile.TemporaryDirectory() as folder:
        kept = filled(Path(folder) / "kept.sqlite")
        write(f"{version}.sqlite.sql.gz", "\n".join(kept.iterdump()))
        server = Postgres()
        try:
            address = server.new("released")
            copied(kept, address)
            database.release()
            write(f"{version}.postgresql.sql.gz", server.dumped("released"))
        finally:
            server.stop()


def write(name: str, text: str) -> None:
    """Write a dump, compressed, without the lines that only psql understands."""
    lines = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("\\"))
    (HERE / name).write_bytes(gzip.compress(lines.encode(), mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
