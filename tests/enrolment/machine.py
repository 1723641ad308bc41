"""A machine to be enrolled: a scratch folder, a Python that has all packages, and the script that the service serves."""

import contextlib
import itertools
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from daemons import Service

from pillar_service.master.client import Client

TOP = Path(__file__).resolve().parents[2]

MINION = "import sys, time\nprint('minion', *sys.argv[1:], flush=True)\ntime.sleep(600)\n"
"""Runs in place of Salt's minion; test_enrolment_with_salt.py has a real one connect."""


NUMBERS = itertools.count(1)


class Machine:
    """The machine. ``root`` is the folder in which the script works, ``name`` the machine's name.

    ``inside`` is the command prefix that runs another command where the machine is, if that is elsewhere.
    """

    def __init__(self, service: Service, folder: Path, inside: Sequence[str] = ()) -> None:
        self.inside = inside
        self.service, self.folder, self.root = service, folder, folder / "root"
        self.name = f"shed-{next(NUMBERS)}"
        self.root.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.python = self.bin / "python"
        self.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self.python.chmod(0o755)
        (self.bin / "salt-minion").write_text(MINION)
        self.environment = {
            "CELLAR_ENROL_PYTHON": str(self.python),
            "CELLAR_ENROL_ROOT": str(self.root),
            "CELLAR_ENROL_NAME": self.name,
            "CELLAR_ENROL_WAIT": "0",
            "PYTHONPATH": str(TOP),
        }

    @property
    def operator(self) -> Client:
        """A client of the service, as operators use it."""
        return Client(self.service.url, str(self.service.token_file), actor="tester")

    def token(self, **asked: Any) -> str:
        """A new token for Ann's account."""
        return str(self.operator.enrolment_token({"account": "ann@example.org", **asked})["secret"])

    def key_state(self, node: str) -> str:
        """The state of a node's key."""
        return next(str(one["key"]["state"]) for one in self.operator.nodes() if one["id"] == node)

    def happens(self, sql: str) -> None:
        """Changes the service's database, in place of what would take too long to happen."""
        with contextlib.closing(sqlite3.connect(self.service.folder / "cellar.db", timeout=10)) as database, database:
            database.execute(sql)

    def script(self) -> Path:
        """Downloads the script."""
        file = self.folder / "enrol.sh"
        with urlopen(f"{self.service.public_url}/enrol.sh", timeout=10) as answer:
            file.write_bytes(answer.read())
        return file

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the script as the pasted line does."""
        return self.sh("sh -s -- " + " ".join(arguments), self.script().read_text(), **environment)

    def sh(self, line: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a line in a shell on this machine."""
        told = {name: value for name, value in (os.environ | self.environment | environment).items() if value}
        return subprocess.run(
            [*self.inside, "sh", "-c", line],
            input=given,
            env=told,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def launcher(self) -> Path:
        """The script that starts and stops the node."""
        return self.root / "opt/saltcellar/bin/saltcellar-node"

    def left(self) -> list[str]:
        """All files below the root."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())

    def starts(self) -> None:
        """Starts the node as a boot would: without systemd nothing else does."""
        done = self.sh(f"{self.launcher} start")
        assert done.returncode == 0, done.stdout + done.stderr

    def stop(self) -> None:
        """Stops what the script started."""
        if self.launcher.exists():
            self.sh(f"{self.launcher} stop")
