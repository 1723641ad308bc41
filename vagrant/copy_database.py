"""A consistent copy of the service's database, while it is used: copy_database.py FILE. Told by upgrade.sh."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pillar_service.settings import database


def main(url: str, file: Path) -> None:
    """Copy SQLite by its online backup, PostgreSQL by pg_dump; the file is there when it is whole."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
    else:
        address, password = without_password(url)
        command = ["pg_dump", "--format=custom", "--file", str(part), "--dbname", address]
        subprocess.run(command, check=True, env=os.environ | ({"PGPASSWORD": password} if password else {}))  # noqa: S603
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    part.rename(file)
    print(f"{file}, {file.stat().st_size // 1024} KiB")


def without_password(url: str) -> tuple[str, str]:
    """The address without its password, which stands in no list of processes, and the password."""
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    name, _, password = who.partition(":")
    return urlunsplit(parts._replace(netloc=f"{name}{at}{where}")), unquote(password)


if __name__ == "__main__":
    main(database(os.environ), Path(sys.argv[1]))
