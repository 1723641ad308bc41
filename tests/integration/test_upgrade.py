"""`make upgrade` on a service in use: the real script, on a tree whose version changes."""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from ports import free_port
from visitor import STEP, Visitor

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.campaign


class Machine:
    """A tree and a service that runs from it, as after `make up` but without Salt."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.data = folder / "tree", folder / "data"
        self.tree.mkdir()
        for part in ("pillar_service", "vagrant", "salt", "states"):
            shutil.copytree(ROOT / part, self.tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("setup.cfg", "requirements.txt"):
            (self.tree / part).symlink_to(ROOT / part)
        self._gets_packages()
        ports = {f"CELLAR_{name}_PORT": str(free_port()) for name in ("PUBLIC", "PRIVATE", "PUBLISH", "RETURN")}
        self.url = f"http://127.0.0.1:{ports['CELLAR_PUBLIC_PORT']}"
        self.private = f"http://127.0.0.1:{ports['CELLAR_PRIVATE_PORT']}"
        self.environment = {
            **os.environ, **ports, "CELLAR_DIR": str(self.data), "PYTHONPATH": str(self.tree), "CELLAR_WORKERS": "1",
        }  # fmt: skip
        for name in ("log", "run", "secrets", "service"):
            (self.data / name).mkdir(parents=True)

    def _gets_packages(self) -> None:
        """Link the checkout's packages, marked as what the tree asks for, so that nothing gets installed into them."""
        (self.tree / ".venv").mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (self.tree / ".venv" / part).symlink_to(ROOT / ".venv" / part)
        asked = b"".join((self.tree / part).read_bytes() for part in ("setup.cfg", "requirements.txt"))
        (self.tree / ".venv" / ".made").write_text(f"{hashlib.sha256(asked).hexdigest()} service,master,node\n")

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts."""
        script = str(self.tree / "vagrant" / script)
        return subprocess.run(
            [script], cwd=self.tree, env=self.environment, capture_output=True, text=True, timeout=300
        )  # fmt: skip

    def becomes(self, version: str) -> None:
        """Set the tree's version, as if it had been checked out."""
        (self.tree / "pillar_service" / "__init__.py").write_text(f'__version__ = "{version}"\n')

    def gets(self, step: str, up: str, down: str) -> Path:
        """Add a migration to the tree."""
        file = self.tree / "pillar_service" / "store" / "migrations" / f"{step}.py"
        file.write_text(STEP.format(up=up, down=down))
        return file

    def steps(self) -> list[str]:
        """The migrations that the database has had."""
        with sqlite3.connect(self.data / "service" / "cellar.db") as connection:
            return sorted(name for (name,) in connection.execute("SELECT name FROM schema_migration"))

    def version(self) -> str:
        """The version that serves."""
        told = requests.get(f"{self.private}/metrics", timeout=10).text
        return next(line for line in told.splitlines() if line.startswith("cellar_build_info")).split('version="')[1][
            :5
        ]

    def pids(self) -> dict[str, int]:
        """The pid of each app."""
        return {name: int((self.data / "run" / f"{name}.pid").read_text()) for name in ("public", "private")}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    started = made.run("service.sh")
    assert started.returncode == 0, started.stderr + started.stdout
    yield made
    for pid in made.pids().values():
        os.killpg(os.getpgid(pid), signal.SIGKILL)


def test_an_upgrade_drops_nothing_and_what_fails_goes_back(machine: Machine) -> None:
    visitor, before, old = Visitor(machine.url), machine.steps(), machine.pids()
    machine.becomes("0.9.0")
    machine.gets("9001_more", "ALTER TABLE node ADD COLUMN mood TEXT", "ALTER TABLE node DROP COLUMN mood")
    done = machine.run("upgrade.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "becomes 0.9.0" in done.stdout
    for step in ("packages", "python", "pub-image", "assets", "copy", "migrate", "private", "public", "check"):
        assert any(line.split()[0] == step and line.endswith(" s") for line in done.stdout.splitlines() if line.strip())
    assert (machine.steps(), machine.version()) == ([*before, "9001_more"], "0.9.0")
    assert not set(machine.pids().values()) & set(old.values())
    [copy] = (machine.data / "copies").iterdir()
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM schema_migration").fetchone() == (len(before),)

    served = machine.pids()
    machine.becomes("0.9.1")
    machine.gets("9002_wrong", "ALTER TABLE nobody ADD COLUMN mood TEXT", "SELECT 1")
    refused = machine.run("upgrade.sh")
    assert refused.returncode == 1
    assert "The previous version goes on serving." in refused.stdout
    assert (machine.steps()[-1], machine.version(), machine.pids()) == ("9001_more", "0.9.0", served)

    machine.gets("9002_wrong", "ALTER TABLE node ADD COLUMN hat TEXT", "ALTER TABLE node DROP COLUMN hat")
    app = machine.tree / "pillar_service" / "web" / "private.py"
    good = app.read_text()
    app.write_text("raise RuntimeError('not today')\n")
    refused = machine.run("upgrade.sh")
    assert refused.returncode == 1
    assert "The new server did not start" in refused.stdout
    assert (machine.steps()[-1], machine.version(), machine.pids()) == ("9001_more", "0.9.0", served)
    app.write_text(good)
    assert machine.run("upgrade.sh").returncode == 0
    assert (machine.steps()[-1], machine.version()) == ("9002_wrong", "0.9.1")
    assert visitor.goes() == []
    assert visitor.seen > 100


def test_a_step_that_takes_something_away_stops_the_service_first(machine: Machine) -> None:
    old = machine.pids()
    file = machine.gets("9001_less", "DROP TABLE heard", "CREATE TABLE heard (id TEXT)")
    file.write_text(file.read_text() + "\n\nSTOPS = True\n")
    done = machine.run("upgrade.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "service" in done.stdout
    assert not set(machine.pids().values()) & set(old.values())
    assert (machine.steps()[-1], machine.version()) == ("9001_less", machine.version())


def test_what_does_not_run_is_not_upgraded(tmp_path: Path) -> None:
    done = Machine(tmp_path).run("upgrade.sh")
    assert (done.returncode, done.stdout) == (1, "")
    assert "run 'make up'" in done.stderr
