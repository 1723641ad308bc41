"""Copying a database consistently, and back, with PostgreSQL's own programs; passwords go in a file (libpq's PGPASSFILE)."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pillar_service.core.errors import Failed
from pillar_service.programs.running import ran

MOST_S = 2 * 3600.0


def without_password(url: str) -> str:
    """The address of a database without its password."""
    return _split(url)[0]


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    name, _, password = who.partition(":")
    if not password:
        return url, ""  # unchanged: put together again, SQLite's would lose its slashes
    return urlunsplit(parts._replace(netloc=f"{name}{at}{where}")), unquote(password)


def dump(url: str, moment: str, file: Path, beat: Callable[[], None]) -> None:
    """Write a consistent copy of a database to a file, as of ``moment``: an exported snapshot that somebody still holds.

    It is not compressed, so that restic recognises what did not change. Raises Failed.
    """
    words = ["pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--snapshot={moment}"]
    _run([*words, "--file", str(file)], url, beat)


def restore(url: str, file: Path, beat: Callable[[], None] = lambda: None) -> None:
    """Put a copy into an existing, empty database, all of it or nothing; raises Failed."""
    _run(["pg_restore", "--single-transaction", "--no-owner", "--no-privileges"], url, beat, [str(file)])


@contextmanager
def scratch(url: str) -> Iterator[str]:
    """The address of an empty database beside that one, on the same server, dropped afterwards; raises Failed."""
    address, mark, options = url.partition("?")
    name = f"{unquote(address.rpartition('/')[2])}_scratch"
    words = ["--template=template0", "--encoding=UTF8", "--locale=C"]
    gone = ["dropdb", "--if-exists", "--force"]
    _run(gone, url, lambda: None, [name], "--maintenance-db")  # what a process that died left behind
    _run(["createdb", *words], url, lambda: None, [name], "--maintenance-db")
    try:
        yield f"{address}_scratch{mark}{options}"
    finally:
        _run(gone, url, lambda: None, [name], "--maintenance-db")


def tables(url: str) -> int:
    """How many tables the database has; raises Failed if it does not exist."""
    question = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    return int(_run(["psql", "-AtqXc", question], url, lambda: None))


def _run(
    command: Sequence[str], url: str, beat: Callable[[], None], rest: Sequence[str] = (), option: str = "--dbname"
) -> str:
    address, password = _split(url)
    with tempfile.NamedTemporaryFile("w", prefix="saltcellar-") as passes:  # made 0600, which libpq insists on
        passes.write("*:*:*:*:" + password.replace("\\", "\\\\").replace(":", "\\:") + "\n")
        passes.flush()
        told = {"PGPASSFILE": passes.name} if password else {}
        return _ended([*command, option, address, *rest], told, beat)


def _ended(command: Sequence[str], environment: dict[str, str], beat: Callable[[], None]) -> str:
    said = ran(command, environment, MOST_S, beat=beat)
    if f"failed to execute {command[0]}" in said.err:
        raise Failed(f"There is no {command[0]} here: install it (apt-get install postgresql-client).")
    if "permission denied to create database" in said.err:
        raise Failed("There is no database to restore into: let the service's user make one (ALTER ROLE … CREATEDB).")
    if said.code:
        raise Failed(f"{command[0]} failed: {said.last}.")
    return said.out
