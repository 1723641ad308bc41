"""A real PostgreSQL for the tests, made when first asked for and removed with them."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql/15/bin")
MISSING = f"These tests need a real PostgreSQL, and {BINARIES} has none: run `apt-get install postgresql-15`."


class Postgres:
    """A private cluster on a Unix socket in a temporary folder; nothing listens on the network."""

    def __init__(self) -> None:
        if not (BINARIES / "initdb").exists():
            raise RuntimeError(MISSING)
        self.folder = Path(tempfile.mkdtemp(prefix="saltcellar-postgres-"))
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._run(
            "initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D", str(self.folder / "data")
        )
        self._control("start")

    def _options(self) -> str:
        return f"-k {self.folder} -c listen_addresses='' -c max_connections=150 -c shared_buffers=16MB -c fsync=off"

    def _control(self, verb: str, *more: str) -> None:
        at = ["-w", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", self._options()]
        self._run("pg_ctl", *at, *more, verb)

    def crash(self) -> None:
        """End it at once, as a crash would, and start it again: it recovers from its log."""
        self._control("restart", "-m", "immediate")

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(BINARIES / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def sql(self, statement: str, name: str = "postgres") -> str:
        """Run one statement in one of its databases as the superuser."""
        return self._run("psql", "-h", str(self.folder), "-d", name, "-Atqc", statement)

    def url(self, name: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{self.user}@/{name}?host={self.folder}"

    def new(self, name: str) -> str:
        """Make a database and return its address."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def dumped(self, name: str) -> str:
        """Dump one of its databases as SQL, with rows as INSERTs."""
        return self._run("pg_dump", "-h", str(self.folder), "--inserts", "--no-owner", name)

    def stop(self) -> None:
        """Stop it and delete its folder."""
        self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self.folder / "data"), "stop")
        shutil.rmtree(self.folder)
