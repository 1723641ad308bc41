"""Real restic on a folder and over SFTP; its refusals become sentences."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemons import until
from seen_running import watched
from sshd import Sshd

from pillar_service.backups import restic
from pillar_service.backups.restic import Repository
from pillar_service.core.errors import Conflict, Failed, Full, Invalid, NotFound, SaltcellarError, Unavailable
from pillar_service.programs.running import ran


def nothing() -> None:
    pass


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "password").write_text("only for tests\n")
    (tmp_path / "source" / "cellar").mkdir(parents=True)
    (tmp_path / "source" / "cellar" / "text").write_text("something")
    where = str(tmp_path / "repository"), str(tmp_path / "password"), tmp_path / "cache"
    return Repository(*where, place="cellar.test")


def snapshot(repository: Repository, tmp_path: Path, *more: str) -> restic.Snapshot:
    return restic.backup(repository, tmp_path / "source", ["cellar", *more], [], nothing)


class Sftp(Sshd):
    """An SSH server with the subsystem that serves files."""

    def start(self) -> None:
        with (self.folder / "sshd_config").open("a") as file:
            file.write("Subsystem sftp internal-sftp\n")
        super().start()


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[Sftp]:
    (tmp_path / "far").mkdir()
    sshd = Sftp(tmp_path / "sshd", {"PLACE": "far"})
    try:
        sshd.start()
        yield sshd
    finally:
        sshd.daemon.stop()


def test_over_sftp_it_is_made_filled_read_and_looked_through(
    repository: Repository, sftp: Sftp, tmp_path: Path
) -> None:
    ssh = f"ssh -p {sftp.port} -i {sftp.key} -o UserKnownHostsFile={sftp.known_hosts} {sftp.user}@127.0.0.1 -s sftp"
    far = replace(repository, address=f"sftp:{sftp.user}@127.0.0.1:{tmp_path}/far/cellar", sftp_command=ssh)
    with pytest.raises(NotFound, match="There is no repository at"):
        restic.snapshots(far)
    restic.make(far)
    made = snapshot(far, tmp_path)
    assert [one.id for one in restic.snapshots(far)] == [made.id]
    assert restic.read(far, made.id, "/cellar/text") == "something"
    restic.forget(far, {"last": "1"}, nothing)
    restic.check(far, nothing)
    restic.restore(far, made.id, tmp_path / "out", ["/cellar"])
    assert (tmp_path / "out" / "cellar" / "text").read_text() == "something"
    assert (tmp_path / "far" / "cellar" / "config").exists()
    with pytest.raises(Unavailable, match="does not answer"):
        restic.snapshots(replace(far, sftp_command=ssh.replace(f"-p {sftp.port}", "-p 9")))


def test_what_restic_refuses_is_one_of_our_errors(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no repository at"):
        restic.snapshots(repository)
    restic.make(repository)
    with pytest.raises(Conflict, match="already"):
        restic.make(repository)
    with pytest.raises(NotFound, match="There is no snapshot at"):
        restic.newest(repository)
    made = snapshot(repository, tmp_path)
    for wrong in ("deadbeef", "--help"):
        with pytest.raises(SaltcellarError, match=r"snapshot|restic failed"):
            restic.restore(repository, wrong, tmp_path / "out", ["/cellar"])
    with pytest.raises(NotFound, match="no such snapshot"):
        restic.read(repository, made.id, "/cellar/nothing")
    (tmp_path / "password").write_text("another")
    with pytest.raises(Invalid, match="does not open"):
        restic.snapshots(repository)
    (tmp_path / "password").unlink()
    with pytest.raises(Invalid, match="can't be read"):
        restic.snapshots(repository)


def test_the_password_stands_in_no_argument_and_no_environment(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks at processes while restic runs; a large file keeps restic busy long enough to be seen."""
    restic.make(repository)
    seen, look = watched(monkeypatch, str(tmp_path))
    (tmp_path / "source" / "cellar" / "large").write_bytes(os.urandom(48 << 20))
    monkeypatch.setenv("CELLAR_ONLY_OURS", "secret of ours")
    restic.backup(repository, tmp_path / "source", ["cellar"], [], look)
    assert seen, "it was seen at work"
    assert not any(b"only for tests" in one or b"secret of ours" in one for one in seen)


def test_a_full_disk_is_named(repository: Repository, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", small], check=True)
    try:
        full = replace(repository, address=str(small / "repository"))
        restic.make(full)
        (tmp_path / "source" / "cellar" / "large").write_bytes(os.urandom(4 << 20))
        with pytest.raises(Full, match="disk is full"):
            snapshot(full, tmp_path)
        assert restic.snapshots(full) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(Failed, match="not done within"):
        ran(["sleep", "30"], {}, 0.2)
    assert time.monotonic() - began < 5


def test_a_program_ends_with_who_started_it(tmp_path: Path) -> None:
    """kill -9 on the worker: its restic must not go on reading what the next one writes."""
    code = "from pillar_service.programs.running import ran; ran(['sleep', '300.25'], {}, 300)"
    worker = subprocess.Popen([sys.executable, "-c", code])

    def sleeper() -> list[str]:
        return [
            one.name for one in Path("/proc").glob("[0-9]*")
            if (one / "cmdline").read_bytes()[:12] == b"sleep\x00300.25"
        ]  # fmt: skip

    until(sleeper, 20, "it runs")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until(lambda: not sleeper(), 5, "it has ended, too")


def test_a_block_that_is_not_what_it_was_is_no_missing_snapshot(repository: Repository, tmp_path: Path) -> None:
    restic.make(repository)
    made = snapshot(repository, tmp_path)
    for file in [one for one in (Path(repository.address) / "data").rglob("*") if one.is_file()]:
        file.chmod(0o600)
        file.write_bytes(bytes(100) + file.read_bytes()[100:])
    with pytest.raises(Failed, match="is damaged"):
        restic.read(repository, made.id, "/cellar/text")
    with pytest.raises(Failed, match=r"is damaged|restic failed at"):
        restic.restore(repository, made.id, tmp_path / "out", ["/cellar"])


def killed_with_its_lock(repository: Repository) -> None:
    """A check is killed (kill -9, power cut) while it holds the repository exclusively."""
    words = ["restic", "-r", repository.address, "--password-file", repository.password_file, "check", "--read-data"]
    locks = Path(repository.address) / "locks"
    there = {*locks.iterdir()}
    checking = subprocess.Popen([*words, "--cache-dir", repository.cache], stdout=subprocess.DEVNULL)
    until(lambda: {*locks.iterdir()} - there, 20, "it has its lock")
    checking.kill()
    checking.wait()
    assert {*locks.iterdir()} - there, "its lock is there still"


def test_the_lock_of_one_who_died_keeps_no_snapshot_from_being_made(repository: Repository, tmp_path: Path) -> None:
    restic.make(repository)
    (tmp_path / "source" / "cellar" / "large").write_bytes(os.urandom(48 << 20))
    snapshot(repository, tmp_path)
    killed_with_its_lock(repository)
    snapshot(repository, tmp_path)
    assert len(restic.snapshots(repository)) == 2
    killed_with_its_lock(repository)
    newest = restic.newest(repository).id
    restic.restore(repository, newest, tmp_path / "out", ["/cellar"])
    assert restic.read(repository, newest, "/cellar/text") == "something"


def made_by_another_clock(repository: Repository, zone: str, *more: str) -> None:
    words = ["backup", "--quiet", "--tag", restic.TAG, "--host", repository.place, *more, repository.password_file]
    where = ["restic", "-r", repository.address, "--password-file", repository.password_file, "--cache-dir"]
    subprocess.run([*where, repository.cache, *words], check=True, env={**os.environ, "TZ": zone})


@pytest.mark.parametrize("more", [(), ("--time", "2199-01-01 00:00:00")])
def test_the_newest_is_the_last_one_made_whatever_clock_the_others_were_made_by(
    repository: Repository, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """A snapshot made in another time zone or by a fast clock: choosing by time would restore an older state."""
    restic.make(repository)
    made_by_another_clock(repository, "Pacific/Kiritimati", *more)
    made = snapshot(repository, tmp_path)
    assert restic.newest(repository).id == made.id


def test_of_places_that_share_a_repository_each_has_its_own_snapshots(repository: Repository, tmp_path: Path) -> None:
    restic.make(repository)
    other = replace(repository, place="other.test")
    others, first = snapshot(other, tmp_path), snapshot(repository, tmp_path)
    ours = snapshot(repository, tmp_path)
    assert [one.id for one in restic.snapshots(other)] == [others.id]
    assert (restic.newest(other).id, restic.newest(repository).id) == (others.id, ours.id)
    restic.forget(repository, {"last": "1"}, nothing)
    assert [one.id for one in restic.snapshots(replace(repository, place=""))] == [others.id, ours.id]
    assert first.id not in (others.id, ours.id)


def test_which_place_is_to_be_restored_must_be_said_where_there_are_several(
    repository: Repository, tmp_path: Path
) -> None:
    restic.make(repository)
    first, anybodys = snapshot(repository, tmp_path), replace(repository, place="")
    assert restic.newest(anybodys).id == first.id
    other = snapshot(replace(repository, place="other.test"), tmp_path)
    with pytest.raises(Conflict, match=f"cellar.test {first.id}, other.test {other.id}"):
        restic.newest(anybodys)
