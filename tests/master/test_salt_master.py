"""What the dispatcher reads of Salt's own job cache, on real files of it."""

import datetime
import threading
from pathlib import Path
from typing import Any

import pytest
import salt.config
import salt.payload
import salt.utils.jid

from pillar_service.master.dispatch.salt_master import SaltMaster

NODE, WELL = "cellar-1", {"return": "well", "retcode": 0, "success": True}


def file_of(opts: dict[str, Any], jid: str) -> Path:
    """Where Salt stores what the node returned for a job; its folder is made."""
    folder = Path(salt.utils.jid.jid_dir(jid, f"{opts['cachedir']}/jobs", opts["hash_type"])) / NODE
    folder.mkdir(parents=True)
    return folder / "return.p"


def found(master: SaltMaster, jid: str) -> list[Any]:
    """What is found within five seconds; empty if nothing is answered by then."""
    said: list[Any] = []
    thread = threading.Thread(target=lambda: said.append(master.returned(jid, NODE)), daemon=True)
    thread.start()
    thread.join(5)
    return said


def test_what_a_node_returned_is_found(opts: dict[str, Any]) -> None:
    master = SaltMaster(opts)
    file_of(opts, "20261201000000000001").write_bytes(salt.payload.dumps(WELL))
    assert found(master, "20261201000000000001") == [WELL]
    assert found(master, "20261201000000000002") == [None]


def test_a_failure_that_returned_bytes_is_a_failure(opts: dict[str, Any]) -> None:
    file_of(opts, "20261201000000000004").write_bytes(salt.payload.dumps({"return": b"\xff", "retcode": 1}))
    assert found(SaltMaster(opts), "20261201000000000004") == [{"return": b"\xff", "retcode": 1}]


BROKEN = {
    "nothing": b"",
    "zeros": b"\0" * 512,
    "half": salt.payload.dumps(WELL)[:-3],
    "a date that Salt can't read back": salt.payload.dumps({**WELL, "return": datetime.datetime(1, 1, 1)}),
}
"""Returns that can't be read: power was lost as they were written, or a node made them so."""


@pytest.mark.parametrize("written", BROKEN.values(), ids=BROKEN)
def test_a_return_that_can_not_be_read_is_none_and_holds_nobody(opts: dict[str, Any], written: bytes) -> None:
    master, jid = SaltMaster(opts), "20261201000000000003"
    file = file_of(opts, jid)
    file.write_bytes(written)
    assert found(master, jid) == [None]
    assert not file.exists(), "it may come again"


def test_what_was_cut_off_as_it_was_stored_may_have_been_published(opts: dict[str, Any]) -> None:
    master, jid = SaltMaster(opts), "20261201000000000005"
    assert not master.was_saved(jid)
    load = file_of(opts, jid).parent.parent / ".load.p"
    load.write_bytes(b"\0" * 512)
    assert master.was_saved(jid)
