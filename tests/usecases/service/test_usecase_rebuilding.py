"""The command restores a lost control plane, on both kinds of database: only where there is nothing, and completely."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from backing_up import KEYS, kept_in
from lost_nodes import exported
from pouring import owner, poured

from pillar_service.backups import restic
from pillar_service.core.errors import Conflict, NotFound
from pillar_service.core.service.backups import RoundKind
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.service import audit
from pillar_service.store.service import backup_rounds as rows
from pillar_service.usecases.bots import transfers
from pillar_service.usecases.jobs import jobs as asking
from pillar_service.usecases.service import backup_rounds, rebuilding, snapshots, storage

TOP = Path(__file__).parents[3]

on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture
def place(service: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A control plane with a bot, its export, and a waiting job; all is in ``plane`` except the repository and its password."""
    plane = tmp_path / "plane"
    plane.mkdir()
    monkeypatch.setenv("CELLAR_FILES", str(plane / "files"))
    monkeypatch.setenv("CELLAR_PUBLIC_PORT", "9")
    monkeypatch.setenv("CELLAR_PRIVATE_PORT", "9")
    if database.on_sqlite():
        storage.release()
        shutil.move(settings().database.removeprefix("sqlite:///"), plane / "service.sqlite")
        monkeypatch.setenv("CELLAR_DATABASE", f"sqlite:///{plane}/service.sqlite")
    kept_in(str(tmp_path / "repository"), plane, service, monkeypatch)
    (plane / "etc" / "password").rename(tmp_path / "password")
    monkeypatch.setenv("CELLAR_BACKUP_PASSWORD_FILE", str(tmp_path / "password"))
    service()
    storage.prepare()
    owner()
    exported(str(poured()["id"]))
    asking.submit("test", "bots.restart", "my")
    assert backup_rounds.step()
    yield tmp_path
    storage.release()


def lose(place: Path, request: pytest.FixtureRequest) -> None:
    """Delete all of it; a PostgreSQL database is made anew, empty."""
    is_file = database.on_sqlite()
    storage.release()
    shutil.rmtree(place / "plane")
    if not is_file:
        emptied(request)


def emptied(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres")
    server.sql('DROP DATABASE "migrated" WITH (FORCE)')
    server.sql('CREATE DATABASE "migrated"')


def restore(place: Path, *more: str, by: Sequence[str] = (), **told_here: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with these settings alone; ``by`` is put before it."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("CELLAR_")} | told_here
    command = [
        *by,
        sys.executable,
        "-m",
        "pillar_service.web",
        "restore",
        str(place / "repository"),
        str(place / "password"),
    ]
    return subprocess.run([*command, *more], env=told, capture_output=True, text=True)


def test_what_was_lost_whole_is_put_back_by_one_command(place: Path, request: pytest.FixtureRequest) -> None:
    [tar] = (place / "plane" / "files").glob("*.tar")
    held, head = tar.read_bytes(), audit.head().n
    address = settings().database
    lose(place, request)
    done = restore(place, CELLAR_DATABASE=address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("Restored ")
    assert {name: (place / "plane" / name).read_text() for name in KEYS} == KEYS
    assert tar.read_bytes() == held
    kept = place / "plane" / "settings-before"
    assert (oct(kept.stat().st_mode)[-3:], "export CELLAR_SECRET_KEY=only-for-tests" in kept.read_text()) == (
        "600",
        True,
    )
    [waiting] = [job for job in jobs.listed(9) if job.command == "bots.restart"]
    assert (waiting.state, "may have been done since" in waiting.error) == ("cancelled", True)
    assert transfers.exported(next(job.id for job in jobs.listed(9) if job.command == "bots.export")).size == len(held)
    assert audit.head().n > head, "the restore itself is audited"
    [made] = rows.listed(9)
    assert (made.state, made.kind) == ("succeeded", "backup")
    assert not (place / "plane" / "backups" / "rebuilding").exists()
    assert backup_rounds.is_due(RoundKind.BACKUP, time.time() + 7 * 3600)


def test_the_address_of_the_database_is_found_in_a_secret_that_was_lost_too(
    place: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]
) -> None:
    address, file = settings().database, place / "plane" / "etc" / "database"
    file.write_text(f"{address}\n")
    monkeypatch.setenv("CELLAR_DATABASE_FILE", str(file))
    monkeypatch.delenv("CELLAR_DATABASE")
    service()
    assert settings().database == address
    snapshots.take(lambda: None)
    lose(place, request)
    done = restore(place)
    assert done.returncode == 0, done.stderr
    assert file.read_text() == f"{address}\n"


def test_nothing_is_put_over_what_is_there(place: Path, request: pytest.FixtureRequest) -> None:
    where = snapshots.repository()
    with pytest.raises(Conflict, match="etc is there already"):
        rebuilding.rebuild(where)
    shutil.rmtree(place / "plane" / "etc")
    with pytest.raises(Conflict, match="files is there already"):
        rebuilding.rebuild(where)
    shutil.rmtree(place / "plane" / "files")
    with pytest.raises(Conflict, match=r"There is a database at|is not empty"):
        rebuilding.rebuild(where)
    assert not (place / "plane" / "etc").exists(), "nothing was touched"
    with pytest.raises(Conflict, match="can only be put back where it was"):
        rebuilding.rebuild(where, database="sqlite:////elsewhere/cellar.db")
    with pytest.raises(NotFound, match="no such snapshot"):
        rebuilding.rebuild(where, "deadbeef")


@on_sqlite
def test_nothing_is_put_beside_a_service_that_lives(
    place: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        monkeypatch.setenv("CELLAR_PRIVATE_PORT", str(door.getsockname()[1]))
        service()
        backup_rounds.ask("test", RoundKind.BACKUP)
        assert backup_rounds.step()
        lose(place, request)
        done = restore(place)
        assert (done.returncode, "stop it first" in done.stderr) == (5, True), done.stderr
        assert not (place / "plane").exists()
    assert restore(place).returncode == 0


@on_sqlite
def test_one_that_was_killed_goes_on_when_it_is_begun_again(place: Path, request: pytest.FixtureRequest) -> None:
    """On SQLite alone: PostgreSQL's dump is restored in one transaction, so it is there or not."""
    where = snapshots.repository()
    lose(place, request)
    (place / "plane" / "backups").mkdir(parents=True)
    id = restic.newest(where).id
    (place / "plane" / "backups" / "rebuilding").write_text(id)
    (place / "plane" / "etc" / "pki").mkdir(parents=True)
    (place / "plane" / "etc" / "pki" / "master.pem").write_text("half a ke")
    (place / "plane" / "service.sqlite.part").write_text("half a database")
    done = restore(place)
    assert done.returncode == 0, done.stderr
    assert {name: (place / "plane" / name).read_text() for name in KEYS} == KEYS
    assert [job.state for job in jobs.listed(9) if job.command == "bots.restart"] == ["cancelled"]


@on_sqlite
def test_a_file_of_a_snapshot_is_shown_and_nothing_is_touched(place: Path, request: pytest.FixtureRequest) -> None:
    lose(place, request)
    name, text = next(iter(KEYS.items()))
    shown = restore(place, "--show", str(place / "plane" / name))
    assert (shown.returncode, shown.stdout) == (0, text), shown.stderr
    missing = restore(place, "--show", "/etc/nothing")
    assert (missing.returncode != 0, "no such snapshot" in missing.stderr) == (True, True), missing.stderr
    assert not (place / "plane").exists()


@on_sqlite
def test_a_user_who_may_give_files_away_gets_its_own_and_each_other_its_owner(
    place: Path, request: pytest.FixtureRequest
) -> None:
    """As vagrant/restoring.sh calls it: as the service's user, whose uid differs from the one when the tar was made."""
    os.chown(place / "plane" / "etc" / "master", 12345, 12346)
    [tar] = (place / "plane" / "files").glob("*.tar")
    os.chown(tar, 12345, 12346)
    snapshots.take(lambda: None)
    lose(place, request)
    [powers] = re.findall("(?m)^readonly powers=(.*)$", (TOP / "vagrant/restoring.sh").read_text())
    me = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    (place / "plane").mkdir()
    os.chown(place / "plane", 65534, 65534)
    done = restore(place, by=[*me, f"--inh-caps={powers}", f"--ambient-caps={powers}"])
    assert done.returncode == 0, done.stderr
    assert {name: (place / "plane" / name).read_text() for name in KEYS} == KEYS
    owners = {
        str(file.relative_to(place / "plane")): (file.stat().st_uid, file.stat().st_gid)
        for file in (place / "plane").rglob("*")
        if file.is_file() and "metrics" not in file.parts
    }
    assert owners.pop("etc/master") == (12345, 12346)
    assert {owners.pop(name) for name in KEYS if name in owners} == {(0, 0)}
    assert {"service.sqlite", f"files/{tar.name}", "settings-before"} <= set(owners)
    assert set(owners.values()) == {(65534, 65534)}, owners
