"""Consistent copies of an SQLite database into a file, while others read and write; and what a copy of either kind holds.

PostgreSQL is copied by its own programs (backups/postgres.py), from the snapshot that `held` keeps for them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Conflict, Failed, Full
from pillar_service.store.database import beside, db

COUNTED = ("account", "node", "bot", "job", "audit")
"""The tables whose rows are counted, to compare a copy with its original."""

TARS = "SELECT id, sha256 FROM transfer"


def copy(into: Path) -> None:
    """Copy this process's database, as of one moment, with SQLite's online backup; raises Full, Failed."""
    try:
        with closing(_opened(Path(db.obj.database), "ro")) as source, closing(sqlite3.connect(into)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    except sqlite3.Error as error:
        if "full" in str(error) or "disk i/o" in str(error).lower():
            raise Full("The service's disk is full: there is no room for a copy of the database.") from error
        raise Failed(f"The database could not be copied ({error}).") from error


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True)


def counts_of(file: Path) -> dict[str, int]:
    """How many rows a copy has, by table; raises Failed when it is not one of our databases."""
    try:
        with closing(_opened(file, "ro")) as found:
            return {table: _count(found.execute, table) for table in COUNTED}
    except sqlite3.Error as error:
        raise Failed(f"The copy of the database can't be read ({error}).") from error


def _count(ask: Any, table: str) -> int:
    [(count,)] = ask(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
    return int(count)


@contextmanager
def held(url: str) -> Iterator[tuple[str, dict[str, int]]]:
    """A snapshot of a PostgreSQL database, held for the block: its name for ``pg_dump --snapshot``, and its rows by table."""
    with beside(url) as found, found.atomic():
        found.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found.execute_sql("SET LOCAL statement_timeout = 0")
        [(name,)] = found.execute_sql("SELECT pg_export_snapshot()")
        yield str(name), {table: _count(found.execute_sql, table) for table in COUNTED}


def put_back_at(url: str) -> tuple[dict[str, int], dict[str, str]]:
    """What a copy restored into a PostgreSQL database holds: rows by table, and the SHA-256 of each tar by its id."""
    with beside(url) as found, found.atomic():
        found.execute_sql("SET LOCAL statement_timeout = 0")
        return {table: _count(found.execute_sql, table) for table in COUNTED}, dict(found.execute_sql(TARS))


def check(file: Path) -> None:
    """Check every page and every reference of a copy; raises Failed when it is damaged."""
    try:
        with closing(_opened(file, "ro")) as found:
            said = [text for (text,) in found.execute("PRAGMA integrity_check(3)")]
            strays = found.execute("PRAGMA foreign_key_check").fetchmany(3)
    except sqlite3.Error as error:
        raise Failed(f"The copy of the database can't be read ({error}).") from error
    if said != ["ok"] or strays:
        raise Failed(f"The copy of the database is damaged: {'; '.join(said)[:200]} {strays or ''}.")


def tars(file: Path) -> Iterator[tuple[str, str]]:
    """The id and SHA-256 of each tar in a copy."""
    with closing(_opened(file, "ro")) as found:
        yield from found.execute(TARS).fetchall()


def refuse_over_another(at: Path) -> None:
    """Raise Conflict when a database, or a file left behind by one, is at that path."""
    for ending in ("", "-wal", "-shm", "-journal"):
        if Path(f"{at}{ending}").exists():
            raise Conflict(f"There is a database at {at}{ending} already: move it away first. Nothing was touched.")


def put_back(file: Path, to: Path) -> None:
    """Restore a copy to the path ``to``, completely or not at all. A database that is there already stays."""
    if to.exists():
        return
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = Path(f"{to}.part")
    part.unlink(missing_ok=True)
    with closing(_opened(file, "ro")) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    part.chmod(0o600)
    part.rename(to)
