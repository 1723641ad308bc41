"""What a minion's process logs about the call that it carries out, from what the minion wrote down about it."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
import salt.payload

from pillar_service.node import tracing
from pillar_service.node.saying import said

RUN, JOB, REQUEST = "0123456789abcdef", "1123456789abcdef", "2123456789abcdef"
BESIDE = {"saltcellar": {"run": RUN, "jobs": {JOB: REQUEST}}}


@pytest.fixture
def opts(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "proc").mkdir()
    return {"cachedir": str(tmp_path), "id": "cellar-1"}


def begun(opts: dict[str, Any], heard: pytest.LogCaptureFixture) -> list[str]:
    """Log the call; return the log's messages."""
    with heard.at_level(logging.INFO, "pillar_service.node"):
        tracing.begun(opts)
    return heard.messages


def write(opts: dict[str, Any], jid: str, pid: int, **more: Any) -> None:
    told = {"jid": jid, "pid": pid, "fun": "pubs.restart", **more}
    (Path(opts["cachedir"]) / "proc" / jid).write_bytes(salt.payload.dumps(told))


def test_it_tells_once_what_this_process_carries_out(opts: Any, caplog: pytest.LogCaptureFixture) -> None:
    write(opts, "20261129000000000001", os.getpid(), metadata=BESIDE)
    write(opts, "20261129000000000002", 1, metadata=BESIDE)
    (Path(opts["cachedir"]) / "proc" / "20261129000000000003").write_bytes(b"\xc1 torn")
    begun(opts, caplog)
    said = f"Carries out pubs.restart: jid=20261129000000000001 node=cellar-1 run={RUN} job={JOB} request={REQUEST}"
    assert begun(opts, caplog) == [said]


@pytest.mark.parametrize(
    "beside", [{}, {"metadata": None}, {"metadata": {"saltcellar": 1}}, {"metadata": {"saltcellar": {"jobs": [1]}}}]
)
def test_a_call_by_hand_or_of_another_version_is_told_without_ids(
    opts: Any, caplog: pytest.LogCaptureFixture, beside: dict[str, Any]
) -> None:
    jid = f"20261129{abs(hash(str(beside))):012d}"
    write(opts, jid, os.getpid(), **beside)
    [line] = begun(opts, caplog)
    assert "request=" not in line


def test_what_is_no_id_is_not_told(opts: Any, caplog: pytest.LogCaptureFixture) -> None:
    write(opts, "20261129000000000005", os.getpid(), metadata={"saltcellar": {"run": RUN, "jobs": {JOB: "x\nforged"}}})
    assert begun(opts, caplog)[0].endswith(f"run={RUN} job={JOB}")


def test_a_minion_that_writes_nothing_down_hinders_nobody(opts: Any) -> None:
    (Path(opts["cachedir"]) / "proc").rmdir()
    tracing.begun(opts)
    assert said(lambda: "done")() == "done"
