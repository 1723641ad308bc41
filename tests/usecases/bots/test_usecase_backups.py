"""Backups with real restic, of both kinds of database: what they hold, who makes them, and what goes wrong."""

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from backing_up import KEYS, kept_in, last
from lost_nodes import exported
from pouring import owner, poured
from trails import trail

from pillar_service.backups import postgres, restic
from pillar_service.core.errors import Failed, Invalid, NotFound
from pillar_service.core.service import backups as rules
from pillar_service.core.service.backups import RoundKind, RoundState
from pillar_service.metrics import families
from pillar_service.store import database
from pillar_service.store.service import backup_rounds as rows
from pillar_service.store.service import copying
from pillar_service.usecases.bots import transfers
from pillar_service.usecases.service import backup_rounds, measuring, snapshots

HOUR = 3600.0

on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""Each call of restic takes half a second, so what is independent of the database is tested on SQLite alone."""


@pytest.fixture
def place(service: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kept_in(str(tmp_path / "repository"), tmp_path, service, monkeypatch)
    owner()
    return tmp_path


def restored(place: Path) -> Path:
    """The newest snapshot, restored by restic alone."""
    out = place / "out"
    shutil.rmtree(out, ignore_errors=True)
    where = snapshots.repository()
    restic.restore(where, restic.newest(where).id, out, ["/"])
    return out


def test_a_snapshot_holds_database_keys_configuration_and_tars_but_not_its_own_password(place: Path) -> None:
    exported(str(poured()["id"]))
    assert backup_rounds.step()
    assert (last()["state"], last()["actor"]) == ("succeeded", "schedule"), last()
    assert not [one for one in (place / "backups").iterdir() if one.name != "cache"], "nothing is left behind"
    out = restored(place)
    told = rules.manifest((out / "cellar/manifest.json").read_text())
    assert told.paths == [str(place / "etc")]
    there = Path(f"{out}{place}")
    assert {name: (there / name).read_text() for name in KEYS} == KEYS
    assert oct((there / "etc/master").stat().st_mode)[-3:] == "600"
    assert not (there / "etc/password").exists()
    assert "only for tests" not in (out / "cellar/environment.json").read_text()
    assert json.loads((out / "cellar/environment.json").read_text())["CELLAR_SECRET_KEY"]
    held = b"".join(file.read_bytes() for file in (place / "repository").rglob("*") if file.is_file())
    assert KEYS["etc/pki/master.pem"].encode() not in held, "it tells nothing to who has not its password"
    [tar] = (out / "cellar/tars").iterdir()
    assert tar.read_bytes() == transfers.path(tar.stem).read_bytes()
    if database.on_sqlite():
        assert copying.counts_of(out / "cellar/database.sqlite")["bot"] == 1
    else:
        listed = subprocess.run(["pg_restore", "--list", out / "cellar/database.dump"], capture_output=True, text=True)
        assert "TABLE DATA public bot " in listed.stdout
    assert trail(f"backup:{last()['id']}")[-1]["action"] == "backups.succeeded"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_dump_and_its_counts_are_of_one_moment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody signs up between the counting of rows and the dump."""
    dump = postgres.dump

    def later(*told: Any) -> None:
        owner("late@example.org")
        dump(*told)

    monkeypatch.setattr(postgres, "dump", later)
    assert backup_rounds.step()
    assert backup_rounds.step()
    assert (last()["kind"], last()["state"]) == ("verification", "succeeded"), last()
    listed = database.db.execute_sql("SELECT datname FROM pg_database WHERE right(datname, 7) = 'scratch'")
    assert list(listed) == [], "nothing is left behind"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_who_may_make_no_database_is_told(place: Path, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres")
    server.sql("DROP ROLE IF EXISTS humble; CREATE ROLE humble LOGIN")
    with (
        pytest.raises(Failed, match="CREATEDB"),
        postgres.scratch(f"postgresql://humble@/postgres?host={server.folder}"),
    ):
        pass


def test_one_is_made_when_it_is_due_and_one_when_it_is_asked_for(place: Path) -> None:
    now = time.time()
    assert backup_rounds.step(now)
    assert backup_rounds.is_due(RoundKind.VERIFICATION, now), "there is something to verify now"
    assert backup_rounds.step(now + 1)
    assert (last()["kind"], last()["state"]) == ("verification", "succeeded"), last()
    assert not backup_rounds.step(now + 5.9 * HOUR)
    asked = backup_rounds.ask("operator:ann", RoundKind.BACKUP)
    assert backup_rounds.ask("operator:bob", RoundKind.BACKUP)["id"] == asked["id"]
    assert backup_rounds.step()
    assert (backup_rounds.show(asked["id"])["state"], len(backup_rounds.kept()["snapshots"])) == ("succeeded", 2)
    assert backup_rounds.step(now + 6.1 * HOUR)


@on_sqlite
def test_only_what_is_to_be_kept_is_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]
) -> None:
    monkeypatch.setenv("CELLAR_BACKUP_KEEP", "last=2")
    service()
    (place / "etc" / "large").write_bytes(os.urandom(3 << 20))
    made = [snapshots.take(lambda: None) for _ in range(3)]
    assert [one["id"] for one in backup_rounds.kept()["snapshots"]] == [one.id for one in made[1:]]
    assert (made[0].added or 0) > 3 << 20 > 10 * (made[1].added or 0), "what did not change is kept once"


@on_sqlite
def test_a_damaged_repository_is_told(place: Path) -> None:
    """Whether restic meets the manifest's block first or another."""
    assert backup_rounds.step()
    for file in [one for one in (place / "repository" / "data").rglob("*") if one.is_file()]:
        file.chmod(0o600)
        file.write_bytes(bytes(100) + file.read_bytes()[100:])
    backup_rounds.ask("test", RoundKind.VERIFICATION)
    assert backup_rounds.step()
    assert last()["state"] == "failed"
    assert "is damaged" in str(last()["detail"]), last()


def test_what_could_not_be_restored_is_told(place: Path) -> None:
    """The repository is whole, but what was put into it was damaged."""
    exported(str(poured()["id"]))
    assert backup_rounds.step()
    good = restored(place)
    told = rules.manifest((good / "cellar/manifest.json").read_text())
    assert told.counts["bot"] == 1
    assert " 1 tars, 1 files and folders" in snapshots.look_through(good, told, lambda: None)
    spoilt = [
        (lambda there: next((there / "cellar/tars").iterdir()).write_bytes(b"another"), "not what it was"),
        (lambda there: shutil.rmtree(f"{there}{place}/etc"), "lacks"),
    ]
    if told.is_sqlite:
        spoilt.append((lambda there: deleted(there / "cellar/database.sqlite"), "'bot': 0 of 1"))
        spoilt.append((lambda there: scribbled(there / "cellar/database.sqlite"), "copy of the database"))
    else:
        spoilt.append((lambda there: without_a_bot(there / "cellar/database.dump"), "'bot': 0 of 1"))
        spoilt.append((lambda there: cut(there / "cellar/database.dump"), "pg_restore failed"))
    for spoil, said in spoilt:
        there = Path(shutil.copytree(good, place / "bad", symlinks=True))
        spoil(there)
        with pytest.raises(Failed, match=said):
            snapshots.look_through(there, told, lambda: None)
        shutil.rmtree(there)


def deleted(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as found, found:
        found.execute("DELETE FROM bot")


def without_a_bot(copy: Path) -> None:
    """Dump the same database again without its bots, as if the dump and the counts were of different databases."""
    address = snapshots.settings().database
    with postgres.scratch(address) as url, copying.beside(url) as other:
        postgres.restore(url, copy)
        other.execute_sql("DELETE FROM bot")
        other.close()
        with copying.held(url) as (moment, _):
            postgres.dump(url, moment, copy, lambda: None)


def cut(copy: Path) -> None:
    with copy.open("r+b") as file:
        file.truncate(copy.stat().st_size // 2)


def scribbled(copy: Path) -> None:
    """Overwrite a table that is not counted."""
    with closing(sqlite3.connect(copy)) as found:
        [(page,)] = found.execute("SELECT rootpage FROM sqlite_master WHERE name = 'forwarding'")
        [(size,)] = found.execute("PRAGMA page_size")
    with copy.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


@on_sqlite
@pytest.mark.parametrize(
    ("gone", "said"),
    [("repository", "is its disk mounted"), ("etc", "can't be read"), ("etc/password", "can't be read")],
)
def test_what_is_missing_is_told_and_tried_again(
    place: Path, gone: str, said: str, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]
) -> None:
    monkeypatch.setenv("CELLAR_BACKUP_VERIFY_DAYS", "0")
    service()
    now = time.time()
    assert backup_rounds.step(now)
    rows.BackupRound.update(asked_at=now - 7 * HOUR).execute()
    (place / gone).rename(place / "away")
    assert backup_rounds.step(now)
    tried = rows.newest(RoundKind.BACKUP, time.time() + HOUR)
    assert (tried.state, said in tried.detail) == ("failed", True), tried.detail
    assert not (place / "repository" / "config").exists() or gone != "repository", "no new one is made in its place"
    (place / "away").rename(place / gone)
    assert not backup_rounds.step(now + 800)
    assert backup_rounds.step(now + 1000)
    assert rows.newest(RoundKind.BACKUP, time.time() + HOUR).state == "succeeded"


@on_sqlite
def test_a_path_that_is_not_there_and_one_that_holds_the_database_are_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]
) -> None:
    for paths, error, said in (
        (f"{place}/etc {place}/nowhere", Failed, "nowhere, which is to be backed up, is not there"),
        (str(place), Invalid, "which is copied separately"),
    ):
        monkeypatch.setenv("CELLAR_BACKUP_PATHS", paths)
        service()
        with pytest.raises(error, match=said):
            snapshots.take(lambda: None)
    assert not (place / "backups" / "now").exists()


@on_sqlite
def test_a_secret_that_is_gone_is_to_be_put_back(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_STRIPE_KEY_FILE", f"{place}/etc/gone")
    with pytest.raises(Failed, match="gone, which is to be backed up, is not there: put the secret back"):
        snapshots.take(lambda: None)


@on_sqlite
def test_a_password_that_everybody_can_read_is_refused(place: Path) -> None:
    (place / "etc" / "password").chmod(0o644)
    with pytest.raises(Invalid, match="chmod o="):
        backup_rounds.ask("test", RoundKind.BACKUP)
    assert backup_rounds.step()
    assert "chmod o=" in str(last()["detail"])


@on_sqlite
def test_who_died_is_buried_and_another_begins(place: Path) -> None:
    now = time.time()
    first = backup_rounds.ask("test", RoundKind.BACKUP)
    rows.move(first["id"], RoundState.ASKED, RoundState.RUNNING, began_at=now, heard_at=now)
    assert not backup_rounds.step(now + 119)
    assert backup_rounds.step(now + 121)
    assert "died" in backup_rounds.show(first["id"])["detail"]
    assert (last()["state"], last()["id"] != first["id"]) == ("succeeded", True)


@on_sqlite
def test_who_was_taken_for_dead_stops_and_ends_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was frozen: its round has been ended meanwhile, and nothing it does then counts."""
    from pillar_service.programs import running

    monkeypatch.setattr(running, "BEAT_S", 0.01)
    asked = backup_rounds.ask("test", RoundKind.BACKUP)
    real = rows.move

    def buried_meanwhile(id: str, now_in: RoundState, to: RoundState, **columns: object) -> bool:
        if to is RoundState.RUNNING and now_in is RoundState.RUNNING:
            real(id, RoundState.RUNNING, RoundState.FAILED, ended_at=time.time(), detail="buried")
        return real(id, now_in, to, **columns)

    monkeypatch.setattr(rows, "move", buried_meanwhile)
    assert backup_rounds.step()
    assert backup_rounds.show(asked["id"])["detail"] == "buried"


def test_two_workers_make_one(place: Path) -> None:
    import threading

    backup_rounds.ask("test", RoundKind.BACKUP)
    did: list[bool] = []

    def work() -> None:
        did.append(backup_rounds.step())
        database.release()

    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(did) == [False, True]
    assert len(backup_rounds.listed()) == len(backup_rounds.kept()["snapshots"]) == 1


def test_without_a_repository_the_sentence_says_what_to_set(service: Callable[[], None]) -> None:
    with pytest.raises(Invalid, match="set CELLAR_BACKUP_REPOSITORY"):
        backup_rounds.ask("test", RoundKind.BACKUP)
    with pytest.raises(NotFound, match="There is no backup 'x'"):
        backup_rounds.show("x")


def test_a_place_whose_keeper_never_began_has_been_without_a_backup_since_it_was_made(place: Path) -> None:
    now = time.time() + 13 * HOUR
    for told in backup_rounds.standing(now):
        assert (told["succeeded_at"], 13 * HOUR <= told["age_s"] < 14 * HOUR) == (None, True), told


@on_sqlite
def test_how_backups_stand_is_told_to_operators_and_prometheus(place: Path) -> None:
    now = time.time()
    assert backup_rounds.step(now)
    [backup, verification] = backup_rounds.standing(now + 60)
    assert (backup["succeeded_at"], backup["age_s"], backup["every_s"], backup["error"]) == (now, 60, 6 * HOUR, "")
    assert (verification["succeeded_at"], verification["age_s"]) == (None, 60), "counted from the first round of all"
    (place / "etc" / "password").chmod(0o644)
    assert backup_rounds.step(now + 13 * HOUR)
    [backup, _] = backup_rounds.standing(now + 13 * HOUR)
    assert (backup["age_s"], "chmod o=" in backup["error"]) == (13 * HOUR, True)
    told = measuring.read(now + 13 * HOUR)
    assert told[families.BACKUP_AGE][("backup",)] == 13 * HOUR > 2 * told[families.BACKUP_EVERY][("backup",)]


@on_sqlite
def test_a_backup_that_a_wrong_clock_saw_hides_no_failure(place: Path) -> None:
    now = time.time()
    assert backup_rounds.step(now + 300 * 24 * HOUR)
    (place / "etc" / "password").chmod(0o644)
    assert backup_rounds.step(now)
    [backup, _] = backup_rounds.standing(now + 13 * HOUR)
    assert (backup["succeeded_at"], "chmod o=" in backup["error"]) == (None, True)
    assert backup["age_s"] >= 13 * HOUR - 60
