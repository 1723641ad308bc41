"""Real restic on a bucket: created, filled, checked, restored; without a key or a bucket, a sentence says so."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bucket import Buckets
from daemons import running
from seen_running import watched

from pillar_service.backups import restic
from pillar_service.backups.restic import Repository
from pillar_service.core.errors import Invalid, NotFound, Unavailable


def nothing() -> None:
    pass


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    with running(Buckets(tmp_path_factory.mktemp("s3"))) as buckets:
        yield buckets


@pytest.fixture
def repository(buckets: Buckets, tmp_path: Path) -> Repository:
    """A bucket's address of this test's own; the bucket does not exist yet."""
    (tmp_path / "password").write_text("only for tests\n")
    (tmp_path / "source" / "cellar").mkdir(parents=True)
    (tmp_path / "source" / "cellar" / "text").write_text("something")
    address = f"{buckets.address}-{tmp_path.name.replace('_', '-')}"
    return Repository(
        address, str(tmp_path / "password"), tmp_path / "cache", s3_file=str(buckets.keys), place="cellar.test"
    )


def test_it_is_made_filled_read_looked_through_and_restored(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no repository at"):
        restic.snapshots(repository)
    restic.make(repository)
    made = [restic.backup(repository, tmp_path / "source", ["cellar"], [], nothing) for _ in range(2)]
    assert [one.id for one in restic.snapshots(repository)] == [one.id for one in made]
    restic.forget(repository, {"last": "1"}, nothing)
    assert [one.id for one in restic.snapshots(repository)] == [made[1].id]
    assert restic.read(repository, restic.newest(repository).id, "/cellar/text") == "something"
    restic.check(repository, nothing)
    restic.restore(repository, made[1].id, tmp_path / "out", ["/cellar"])
    assert (tmp_path / "out" / "cellar" / "text").read_text() == "something"


def test_neither_password_nor_keys_stand_in_an_argument_or_the_environment(
    repository: Repository, buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restic.make(repository)
    (tmp_path / "source" / "cellar" / "large").write_bytes(os.urandom(8 << 20))
    seen, look = watched(monkeypatch, repository.address)
    restic.backup(repository, tmp_path / "source", ["cellar"], [], look)
    assert seen, "it was seen at work"
    assert not any(b"only for tests" in one or buckets.secret.encode() in one for one in seen)
    assert any(str(buckets.keys).encode() in one for one in seen), "it was told the file"


def test_who_has_not_its_key_is_told_so_and_makes_no_new_one(
    repository: Repository, buckets: Buckets, tmp_path: Path
) -> None:
    restic.make(repository)
    (tmp_path / "keys").write_text(buckets.keys.read_text().replace(buckets.secret, "another"))
    stranger = replace(repository, s3_file=str(tmp_path / "keys"))
    for asked in (restic.snapshots, restic.make):
        with pytest.raises(Invalid, match="refuses the keys"):
            asked(stranger)


def test_buckets_that_do_not_answer_are_said_to_be_away(repository: Repository) -> None:
    """restic itself keeps trying for a while."""
    with pytest.raises(Unavailable, match="does not answer"):
        restic.snapshots(replace(repository, address="s3:http://127.0.0.1:9/cellar"))
