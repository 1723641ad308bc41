"""The watchman: what it does regularly by itself."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pouring import bot, owner, tar

from pillar_service.core.jobs.jobs import QUEUED_FOR_S
from pillar_service.store import database
from pillar_service.store.bots import transfers as rows
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.usecases.bots import transfers
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.nodes import bundles
from pillar_service.web import watching


def watch_while(monkeypatch: pytest.MonkeyPatch, is_so: Callable[[], bool]) -> None:
    """Let the watchman look often while the condition holds, for at most 20 s."""
    monkeypatch.setattr(watching, "EVERY_S", 0.05)
    over, until = watching.start(), time.monotonic() + 20
    while is_so() and time.monotonic() < until:
        time.sleep(0.05)
    over.set()
    [thread.join(5) for thread in threading.enumerate() if thread.name == "watching"]


@pytest.mark.usefixtures("service")
def test_an_upload_that_nobody_used_is_forgotten_and_a_new_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (str(transfers.upload("test", tar())["upload"]) for _ in range(2))
    with database.transaction():
        rows.Transfer.update(created_at=time.time() - transfers.KEPT_S - 1).where(rows.Transfer.id == old).execute()
    watch_while(monkeypatch, lambda: transfers.path(old).exists())
    assert [transfers.path(one).exists() for one in (old, new)] == [False, True]
    assert rows.find(old) is None


@pytest.mark.usefixtures("service")
def test_a_job_for_which_no_master_came_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    owner()
    late, new = (bot(name)["job"]["id"] for name in ("late", "new"))
    with database.transaction():
        job_rows.change(late, created_at=time.time() - QUEUED_FOR_S - 1)
    watch_while(monkeypatch, lambda: jobs.found(late).state == "queued")
    assert [jobs.found(one).state for one in (late, new)] == ["timed_out", "queued"]


@pytest.mark.usefixtures("service")
def test_what_one_look_can_not_do_keeps_no_other_from_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("Broken.")

    owner()
    late = bot("late")["job"]["id"]
    with database.transaction():
        job_rows.change(late, created_at=time.time() - QUEUED_FOR_S - 1)
    monkeypatch.setattr(watching.presence, "look", broken)
    watch_while(monkeypatch, lambda: jobs.found(late).state == "queued")
    assert jobs.found(late).state == "timed_out"


def test_what_comes_along_is_offered_without_anybody(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_BUNDLE_KEY", bundles.new_key())
    monkeypatch.setenv("CELLAR_MACHINES", str(Path(__file__).resolve().parents[2] / "salt" / "machines"))
    service()
    watch_while(monkeypatch, lambda: not bundles.listed())
    assert bundles.offered("cellar-1") is not None
