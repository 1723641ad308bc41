"""PostgreSQL's own programs for a consistent copy, and back; a password goes by a file (libpq's PGPASSFILE)."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pillar_service.backups.running import ran
from pillar_service.core.errors import Failed

MOST_S = 2 * 3600.0


def without_password(url: str) -> str:
    """The address of a database without the password in it."""
    return _split(url)[0]


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    name, _, password = who.partition(":")
    if not password:
        return url, ""  # as it is: put together again, SQLite's would lose its slashes
    return urlunsplit(parts._replace(netloc=f"{name}{at}{where}")), unquote(password)


def dump(url: str, file: Path, beat: Callable[[], None]) -> None:
    """A consistent copy of a database in a file; not compressed, so that restic finds what did not change. Raises Failed."""
    _run(
        ["pg_dump", "--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--file", str(file)], url, beat
    )


def restore(url: str, file: Path) -> None:
    """Put a copy into a database that is there and empty, all of it or nothing; raises Failed."""
    _run(["pg_restore", "--single-transaction", "--no-owner", "--no-privileges"], url, lambda: None, [str(file)])


def tables(url: str) -> int:
    """How many tables the database has; raises Failed when it is not there."""
    question = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    return int(_run(["psql", "-AtqXc", question], url, lambda: None))


def readable(file: Path, beat: Callable[[], None]) -> None:
    """Whether a copy can be read to its end, to nowhere; raises Failed."""
    _ended(["pg_restore", "--file=/dev/null", str(file)], {}, beat)


def _run(command: Sequence[str], url: str, beat: Callable[[], None], rest: Sequence[str] = ()) -> str:
    address, password = _split(url)
    with tempfile.NamedTemporaryFile("w", prefix="saltcellar-") as passes:  # made 0600, which libpq insists on
        passes.write("*:*:*:*:" + password.replace("\\", "\\\\").replace(":", "\\:") + "\n")
        passes.flush()
        told = {"PGPASSFILE": passes.name} if password else {}
        return _ended([*command, "--dbname", address, *rest], told, beat)


def _ended(command: Sequence[str], environment: dict[str, str], beat: Callable[[], None]) -> str:
    said = ran(command, environment, MOST_S, beat=beat)
    if f"failed to execute {command[0]}" in said.err:
        raise Failed(f"There is no {command[0]} here: install it (apt-get install postgresql-client).")
    if said.code:
        raise Failed(f"{command[0]} could not do its work: {said.last}.")
    return said.out
