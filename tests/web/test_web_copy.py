"""The copy of the database that `make upgrade` makes first: complete, readable by its owner alone, of either kind."""

import sqlite3
import stat
import subprocess
from pathlib import Path

from databases import BINARIES
from processes import Process

from pillar_service.store import database


def copied(url: str, file: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return Process(environment, url).run("copy", str(file))


def test_a_copy_holds_all_tables(url: str, tmp_path: Path, environment: dict[str, str]) -> None:
    database.connect(url)
    tables = set(database.db.get_tables())
    file = tmp_path / "copy"
    done = copied(url, file, environment)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.with_name("copy.part").exists()
    if database.on_sqlite():
        with sqlite3.connect(file) as connection:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    else:
        listed = subprocess.run([BINARIES / "pg_restore", "--list", file], capture_output=True, text=True, check=True)
        there = {line.split()[5] for line in listed.stdout.splitlines() if " TABLE public " in line}
    assert tables - {"sqlite_sequence"} <= there
    database.release()


def test_what_can_not_be_copied_leaves_no_copy(tmp_path: Path, environment: dict[str, str]) -> None:
    done = copied("postgresql://nobody:canary-1@127.0.0.1:1/none", tmp_path / "copy", environment)
    assert done.returncode == 7, done.stderr
    assert not [*tmp_path.glob("copy*")], "on a full disk half a copy would take what room there is"
    assert "canary-1" not in done.stderr + done.stdout
