"""What goes into a tar, and what comes out of one."""

import hashlib
import io
import os
import shutil
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from wires import BOT, PUB

from pillar_service.core.bots import exports
from pillar_service.core.errors import Conflict, Failed, ForkHazard, Full, Unavailable
from pillar_service.node import disk, identity, tar, transfers

SECRET = f'# a comment\n{{"id": "{PUB}", "private": "x"}}\n'


def frame(message: bytes) -> bytes:
    size = len(message).to_bytes(4)
    return size + message + size + bytes(4)


def filled(folder):
    for path in ("flume", "blobs/sha256/aa", "invites", "blobs_push", "node_modules"):
        (folder / path).mkdir(parents=True)
    (folder / "secret").write_text(SECRET)
    log = b"".join(
        frame(f'{{"value": {{"author": "{who}", "sequence": {n}}}}}'.encode())
        for who, n in [(PUB, 1), ("@other", 9), (PUB, 2)]
    )
    (folder / "flume/log.offset").write_bytes(log)
    (folder / "flume/index.json").write_text("rebuilt")
    (folder / "blobs/sha256/aa/blob").write_bytes(b"blob")
    (folder / "invites/000005.ldb").write_bytes(b"ldb")
    (folder / "control.sock").write_bytes(b"")
    return folder


def packed(home, folder):
    written = io.BytesIO()
    home.configs.mkdir(parents=True, exist_ok=True)
    home.config(BOT).write_text("{}")
    tar.pack(folder, home.config(BOT), {"pub_id": PUB, "sequence": 2}, written)
    written.seek(0)
    return written


def test_packs_what_an_identity_needs_and_nothing_else(home, folder):
    written = packed(home, filled(folder))
    assert exports.check(written) == exports.Export(PUB, 2)
    written.seek(0)
    with tarfile.open(fileobj=written) as held:
        members = held.getmembers()
    assert {member.name for member in members} == {
        "manifest.json", "config", "secret", "flume", "flume/log.offset", "invites", "invites/000005.ldb",
        "blobs", "blobs/sha256", "blobs/sha256/aa", "blobs/sha256/aa/blob",
    }  # fmt: skip
    assert {(member.uid, member.gid) for member in members} == {(1000, 1000)}


def test_links_pipes_and_second_names_are_left_out(home, folder, tmp_path):
    filled(folder)
    (tmp_path / "shadow").write_text("root's")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root's")
    (folder / "gossip.json").symlink_to(tmp_path / "shadow")
    (folder / "blobs" / "link").symlink_to(tmp_path / "etc")
    os.link(tmp_path / "shadow", folder / "blobs" / "hard")
    os.mkfifo(folder / "blobs" / "pipe")
    with tarfile.open(fileobj=packed(home, folder)) as held:
        names = held.getnames()
        assert not {"gossip.json", "blobs/link", "blobs/link/passwd", "blobs/hard", "blobs/pipe"} & set(names)
        assert all(b"root's" not in held.extractfile(name).read() for name in names if held.getmember(name).isfile())


def test_unpacks_as_the_pubs_user(home, folder, tmp_path):
    written = packed(home, filled(folder))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    tar.unpack(written, fresh)
    assert (fresh / "secret").read_text() == SECRET
    assert not (fresh / "manifest.json").exists()
    assert not (fresh / "config").exists()
    for top, folders, files in os.walk(fresh):
        found = [os.lstat(os.path.join(top, name)) for name in [".", *folders, *files]]
        assert {(one.st_uid, one.st_gid) for one in found} == {(1000, 1000)}
    assert stat.S_IMODE((fresh / "secret").stat().st_mode) == 0o600


def test_the_sequence_is_read_from_the_log(folder):
    filled(folder)
    assert identity.of(folder) == identity.Identity(PUB, True, True)
    assert identity.sequence(folder, PUB) == 2


def test_what_is_told_of_a_pub_that_goes(folder, tmp_path):
    assert identity.told(folder) == {}
    log = filled(folder) / "flume/log.offset"
    assert identity.told(folder) == {"pub_id": PUB, "sequence": 2}
    log.rename(tmp_path / "log")
    log.symlink_to(tmp_path / "log")
    assert identity.told(folder) == {}, "a pub can't keep itself from being deleted"


def test_a_log_cut_off_in_the_middle_counts_to_its_last_whole_message(folder):
    log = filled(folder) / "flume/log.offset"
    log.write_bytes(log.read_bytes()[:-10])
    assert identity.sequence(folder, PUB) == 1


def test_a_log_that_a_pub_made_to_hold_up_its_node(folder):
    log = filled(folder) / "flume/log.offset"
    whole = log.read_bytes()
    with log.open("r+b") as file:
        file.write((0xFFFFFFF0).to_bytes(4))
        file.seek(4 + 0xFFFFFFF0)
        file.write((0xFFFFFFF0).to_bytes(4) + bytes(4) + whole)
        file.truncate(1 << 40)  # a hole, which takes up no room
    began = time.monotonic()
    assert identity.sequence(folder, PUB) == 2
    assert time.monotonic() - began < 2


def test_a_secret_that_is_made_to_break_who_reads_it(folder):
    (filled(folder) / "secret").write_bytes(b"[" * 100_000)
    assert identity.told(folder) == {}


def test_what_is_there_already(home, folder):
    assert not transfers.is_imported(home, BOT, {"pub_id": PUB})
    filled(folder)
    assert transfers.is_imported(home, BOT, {"pub_id": PUB})
    with pytest.raises(Conflict, match="another identity"):
        transfers.is_imported(home, BOT, {"pub_id": PUB.replace("A", "B", 1)})
    (folder / "flume/log.offset").write_bytes(b"")
    with pytest.raises(ForkHazard):
        transfers.is_imported(home, BOT, {"pub_id": PUB})


def test_a_secret_that_is_a_link_is_not_read(home, folder, tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    (folder / "secret").symlink_to(tmp_path / "secret")
    assert identity.of(folder).pub_id is None
    with pytest.raises(Conflict, match="unreadable"):
        transfers.is_imported(home, BOT, {"pub_id": PUB})


def test_disk_space_follows_no_link(folder, tmp_path):
    (tmp_path / "big").write_bytes(bytes(10_000))
    (folder / "link").symlink_to(tmp_path)
    (folder / "own").write_bytes(bytes(100))
    assert 100 <= disk.used_bytes(folder) < 1000
    assert disk.used_bytes(folder / "nowhere") == 0


@pytest.fixture
def deep(folder) -> Iterator[None]:
    """Folders in the pub's folder, nested deeper than Python can recurse or a path can name."""
    made, before = ["d" * 20] * 1500, os.open(".", os.O_RDONLY)
    os.chdir(folder)
    for name in made:
        os.mkdir(name)
        os.chdir(name)
    Path("deepest").write_bytes(bytes(100))
    os.fchdir(before)
    os.close(before)
    yield
    subprocess.run(["rm", "-rf", "--", folder], check=True)


@pytest.mark.usefixtures("deep")
def test_a_folder_that_goes_deeper_than_python_can_be_counted_packed_and_removed(home, folder):
    filled(folder)
    assert 0 < disk.used_bytes(folder) < 10_000
    assert disk.used_bytes(folder, within_s=-1.0) == 0, "what there is no time for is not counted"
    assert exports.check(packed(home, folder)) == exports.Export(PUB, 2)
    transfers.remove(home, BOT)
    assert transfers.is_removed(home, BOT)


class Held:
    """A door with one tar. First it refuses, each time asking to be tried again after so many seconds."""

    def __init__(self, written: bytes, refusals=()) -> None:
        self.written, self.refusals = written, list(refusals)

    def fetch(self, _job: str, file, _size: int) -> str:
        if self.refusals:
            file.write(b"x" * (len(self.written) + 1))
            error = Unavailable("Too many.")
            error.retry_after_s = self.refusals.pop()
            raise error
        file.write(self.written)
        return hashlib.sha256(self.written).hexdigest()


def test_what_imports_left_that_were_killed_goes_with_the_next_one_and_with_the_bot(home, folder):
    written = packed(home, filled(folder)).getvalue()
    left = home.transfers / "import-killed"

    def killed() -> None:
        left.mkdir(parents=True)
        (left / "secret").write_text(SECRET)

    killed()
    with transfers._new_folder(home.transfers) as at_work:
        transfers.remove(home, BOT)
        assert at_work.is_dir()
    assert not left.exists()
    killed()
    wanted = {"job": "9e0f1f3a9c2e5b7d", "pub_id": PUB, "size": len(written)}
    transfers.bring_in(home, BOT, wanted | {"sha256": hashlib.sha256(written).hexdigest()}, Held(written))
    assert (os.listdir(home.transfers), identity.of(folder).whole) == ([], True)


def test_an_import_waits_where_too_many_tars_are_fetched(home, folder):
    written = packed(home, filled(folder)).getvalue()
    told = {"size": len(written), "sha256": hashlib.sha256(written).hexdigest()}
    wanted = {"job": "9e0f1f3a9c2e5b7d", "pub_id": PUB, **told}
    transfers.bring_in(home, "b" * 16, wanted, Held(written, refusals=[0, 0]))
    assert identity.of(home.bot("b" * 16)).whole
    for too_late in (None, 10_000):  # no service; longer than it is willing to wait
        with pytest.raises(Unavailable):
            transfers.bring_in(home, "c" * 16, wanted, Held(written, refusals=[too_late]))


def test_no_export_or_import_fills_the_disk_of_all(home, folder, monkeypatch):
    with (filled(folder) / "gossip.json").open("wb") as file:
        file.truncate(100 << 20)  # a hole, which takes up room only in a tar
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=150 << 20))
    with pytest.raises(Full, match="free some space"):
        transfers.export(home, "n", BOT, "9e0f1f3a9c2e5b7d", Held(b""), "gossip")
    with pytest.raises(Conflict, match="no identity yet"):
        transfers.export(home, "n", "a" * 16, "9e0f1f3a9c2e5b7d", Held(b""), "gossip")
    with pytest.raises(Full, match="free some space"):
        transfers.bring_in(home, "a" * 16, {"job": "b" * 16, "pub_id": PUB, "size": 50 << 20}, Held(b""))


@pytest.mark.parametrize("path", ["secret", exports.LOG])
def test_a_bot_whose_pub_made_folders_of_its_files_is_deleted_like_any_other(home, folder, path):
    (filled(folder) / path).unlink()
    (folder / path).mkdir()
    assert identity.of(folder).pub_id in (None, PUB)
    assert "sequence" not in identity.told(folder)
    transfers.remove(home, BOT)
    assert not folder.exists()


def test_what_can_not_be_removed_is_said_and_no_link_is(home, tmp_path):
    home.bots.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    home.bot(BOT).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Failed, match="Not a directory"):
        transfers.remove(home, BOT)
    assert home.bot(BOT).is_symlink()


def test_a_file_is_replaced_whole_even_where_a_link_lies_in_wait(tmp_path):
    (tmp_path / "precious").write_text("keep")
    (tmp_path / ".state.json.new").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        disk.write_atomically(tmp_path / "state.json", b"x")
    assert (tmp_path / "precious").read_text() == "keep"
