"""The watchman: what it does by itself, now and then."""

import threading
import time

import pytest
from pouring import tar

from pillar_service.store import database
from pillar_service.store import transfers as rows
from pillar_service.usecases import transfers
from pillar_service.web import watching


@pytest.mark.usefixtures("service")
def test_an_upload_that_nobody_used_is_forgotten_and_a_new_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (str(transfers.upload("test", tar())["upload"]) for _ in range(2))
    with database.transaction():
        rows.Transfer.update(created_at=time.time() - transfers.KEPT_S - 1).where(rows.Transfer.id == old).execute()
    monkeypatch.setattr(watching, "EVERY_S", 0.05)
    over, until = watching.start(), time.monotonic() + 20
    while transfers.path(old).exists() and time.monotonic() < until:
        time.sleep(0.05)
    over.set()
    [thread.join(5) for thread in threading.enumerate() if thread.name == "watching"]
    assert [transfers.path(one).exists() for one in (old, new)] == [False, True]
    assert rows.find(old) is None
