"""What the minion has written down about its runs goes from the disk into the spool, once."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import salt.minion

from pillar_service.core.events.submission import JOB_RESULT, LARGEST
from pillar_service.node.paths import Home
from pillar_service.node.results import WRITTEN_WITHIN_S, Results
from pillar_service.node.spool import Spool
from pillar_service.node.spool.ledger import Bounds

RUN, JOB = "0123456789abcdef", "fedcba9876543210"
BESIDE = {"saltcellar": {"run": RUN, "jobs": {JOB: ""}}}


def written(cache: Path, jid: str, returned: Any = True, **more: Any) -> Path:
    """Write a return as a minion with ``cache_jobs`` does before it sends it."""
    ret = {"jid": jid, "fun": "pubs.restart", "return": returned, "success": True, "retcode": 0, **more}
    opts = {"id": "cellar-1", "cachedir": str(cache), "cache_jobs": True}
    minion = SimpleNamespace(opts=opts, proc_dir=str(cache / "proc"), functions={})
    salt.minion.Minion._prepare_return_pub(minion, ret)
    return cache / "minion_jobs" / jid / "return.p"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(Home(tmp_path / "node"))


@pytest.fixture
def duty(tmp_path: Path, spool: Spool) -> Results:
    return Results(tmp_path / "cache", spool)


def waiting(spool: Spool) -> list[Any]:
    return [(one.type, one.subject, one.stream, one.data["return"]) for one in spool.batch().events]


def test_a_run_of_ours_goes_into_the_spool_and_from_the_disk(tmp_path: Path, duty: Results, spool: Spool) -> None:
    file = written(tmp_path / "cache", "1", {"pub_id": "x", "raw": b"\xff"}, metadata=BESIDE)
    duty.run(0.0)
    duty.run(1.0)
    assert waiting(spool) == [(JOB_RESULT, RUN, "jobs", {"pub_id": "x", "raw": "\N{REPLACEMENT CHARACTER}"})]
    assert not file.parent.exists()


def test_what_is_no_run_of_ours_is_only_removed(tmp_path: Path, duty: Results, spool: Spool) -> None:
    files = [written(tmp_path / "cache", "1"), written(tmp_path / "cache", "2", metadata={"other": 1})]
    duty.run(0.0)
    assert waiting(spool) == []
    assert not any(file.exists() for file in files)


def test_nobody_else_on_the_machine_reads_them(tmp_path: Path, duty: Results) -> None:
    written(tmp_path / "cache", "1", metadata=BESIDE)
    duty.run(0.0)
    assert stat.S_IMODE((tmp_path / "cache" / "minion_jobs").stat().st_mode) == 0o700


def test_half_a_file_is_waited_for_and_no_longer_than_it_is_written(
    tmp_path: Path, duty: Results, spool: Spool
) -> None:
    file = written(tmp_path / "cache", "1", "x" * 1000, metadata=BESIDE)
    whole = file.read_bytes()
    file.write_bytes(whole[:500])
    duty.run(0.0)
    assert file.exists()
    file.write_bytes(whole)
    duty.run(1.0)
    assert len(waiting(spool)) == 1
    file = written(tmp_path / "cache", "2", metadata=BESIDE)
    file.write_bytes(whole[:500])
    old = file.stat().st_mtime - WRITTEN_WITHIN_S - 1
    os.utime(file, (old, old))
    duty.run(2.0)
    assert not file.exists()
    assert len(waiting(spool)) == 1


@pytest.mark.parametrize("returned", ["x" * LARGEST, float("nan")], ids=["large", "nan"])
def test_what_no_event_can_tell_goes_by_its_return_alone_and_holds_up_nothing(
    tmp_path: Path, duty: Results, spool: Spool, returned: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file = written(tmp_path / "cache", "1", returned, metadata=BESIDE)
    written(tmp_path / "cache", "2", "good", metadata=BESIDE)
    duty.run(0.0)
    assert [told[3] for told in waiting(spool)] == ["good"]
    assert not file.exists()
    assert f"only Salt's return reports the result of run {RUN}" in caplog.text


def test_one_that_the_disk_does_not_give_holds_up_no_other(
    tmp_path: Path, duty: Results, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    bad = written(tmp_path / "cache", "1", metadata=BESIDE)
    bad.unlink()
    bad.mkdir()  # as one on a bad block, it can't be read: root may read whatever has no permissions
    good = written(tmp_path / "cache", "2", metadata=BESIDE)
    duty.run(0.0)
    duty.run(1.0)
    assert [subject for _, subject, *_ in waiting(spool)] == [RUN]
    assert not good.exists()
    assert len(caplog.messages) == 1
    assert "can't be read (Is a directory)" in caplog.messages[0]


def test_with_a_full_spool_it_stays_on_the_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    full = Spool(Home(tmp_path / "node"), Bounds(bytes=1))
    file = written(tmp_path / "cache", "1", metadata=BESIDE)
    duty = Results(tmp_path / "cache", full)
    duty.run(0.0)
    duty.run(1.0)
    assert file.exists()
    assert caplog.text.count("are waiting for room") == 1
    full.bounds = Bounds()
    duty.run(2.0)
    assert not file.exists()
    assert len(waiting(full)) == 1
