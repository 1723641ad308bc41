"""A temporary PostgreSQL cluster on a unix socket."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

PORT = 5432  # only part of the socket's name: nothing listens on TCP


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, Any]]:
    """Run a server in a new folder; gives its options in the form of Salt's ``postgres:`` configuration.

    PostgreSQL refuses to run as root: root runs it as the user postgres.
    """
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: int(found.parent.name))
    folder.mkdir()
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        found = pwd.getpwnam("postgres")
        os.chown(folder, found.pw_uid, found.pw_gid)
        folder.parent.chmod(0o711)
        folder.parent.parent.chmod(0o711)
        as_user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    data, log = folder / "data", folder / "log"
    _run([programs / "initdb", "-D", data, "-U", "salt", "-A", "trust", "-E", "UTF8"], folder, as_user)
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c port={PORT}"
    try:
        _run([programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start"], folder, as_user)
        yield {"host": str(folder), "port": PORT, "user": "salt", "pass": "", "db": "postgres"}
    finally:
        subprocess.run(
            [programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], cwd=folder, capture_output=True, **as_user
        )
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[Any], folder: Path, as_user: dict[str, Any]) -> None:
    # The server that pg_ctl starts keeps any pipe that it is given, so the output goes to a file.
    with (folder.parent / "postgres.out").open("ab") as output:
        subprocess.run(command, cwd=folder, check=True, stdout=output, stderr=output, **as_user)


def copy(options: dict[str, Any], bodies: Iterable[tuple[str, str]]) -> None:
    """Make the table ``pillar`` (node, body as JSONB, indexed by node) of these bodies."""
    where = {"host": options["host"], "port": options["port"], "user": options["user"], "dbname": options["db"]}
    with psycopg.connect(**where, autocommit=True) as connection:
        connection.execute("CREATE TABLE pillar (node TEXT PRIMARY KEY, body JSONB NOT NULL)")
        with connection.cursor().copy("COPY pillar (node, body) FROM STDIN") as rows:
            for row in bodies:
                rows.write_row(row)
        connection.execute("VACUUM ANALYZE pillar")
