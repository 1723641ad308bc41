"""One command moves the service's database to the other kind, and the service goes on there."""

import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pouring import owner, poured

from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import jobs as asking
from pillar_service.usecases.service import auditing, storage

Service = Callable[[], None]


def moved(url: str) -> "subprocess.CompletedProcess[str]":
    """Run `move-database`."""
    command = [sys.executable, "-m", "pillar_service.web", "move-database", url]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True)


@pytest.fixture
def other(request: pytest.FixtureRequest, service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty database of the other kind; the service is stopped."""
    for door in ("PUBLIC", "PRIVATE"):
        monkeypatch.setenv(f"CELLAR_{door}_PORT", "9")
    service()
    if not database.on_sqlite():
        return f"sqlite:///{tmp_path}/other.sqlite"
    address: str = request.getfixturevalue("postgres").new(f"other_{secrets.token_hex(4)}")
    return address


def test_it_goes_on_in_the_other_database(other: str, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    bot = poured()
    storage.release()
    old = settings().database.partition("?")[0]
    done = moved(other)
    assert done.returncode == 0, done.stderr
    [sentence] = done.stdout.splitlines()
    said = re.fullmatch(r"Moved \d+ rows of \d+ tables to (.*): name it in CELLAR_DATABASE, and start .*", sentence)
    assert said, sentence
    assert said[1] == other
    monkeypatch.setenv("CELLAR_DATABASE", other)
    service()
    storage.prepare()
    assert [one["id"] for one in bots.listed()] == [bot["id"]]
    assert auditing.verify()["first_fault"] is None
    asking.submit("test", "bots.restart", "my")
    [row] = list(database.db.execute_sql("SELECT actor, subject FROM audit WHERE action = 'database.moved'"))
    assert (row[0], row[1].startswith(f"database:{old}")) == ("command line", True)
    again = moved(settings().database)
    assert (again.returncode, "is not empty" in again.stderr) == (5, True), again.stderr


def test_not_while_the_service_runs(other: str, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        monkeypatch.setenv("CELLAR_PRIVATE_PORT", str(door.getsockname()[1]))
        done = moved(other)
    assert (done.returncode, "stop it first. Nothing was touched." in done.stderr) == (5, True), done.stderr


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_password_is_no_argument(other: str) -> None:
    done = moved("postgresql://cellar:secret@127.0.0.1/cellar")
    assert "PGPASSFILE" in done.stderr
    assert "secret" not in done.stderr
