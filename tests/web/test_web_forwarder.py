"""Senders that are killed, several senders at once, and a receiver that keeps them waiting."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hooks import Hooks, sequences, stands, tell

from pillar_service.core.events import forwarding as rules
from pillar_service.store import database
from pillar_service.store.events import forwardings as rows
from pillar_service.usecases.events import deliveries, forwardings
from pillar_service.usecases.service import storage
from pillar_service.web import forwarding

ROOT = Path(__file__).parents[2]


def test_two_workers_do_not_send_the_same(hooked: Hooks) -> None:
    hook, id = hooked(200)
    tell(1)

    def work(_: int) -> None:
        try:
            forwarding.deliver(id)
        finally:
            storage.release()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(hook.asked) == 1


def test_killed_in_the_middle_it_sends_the_same_again(hooked: Hooks) -> None:
    hook, id = hooked("hang", 200)
    tell(1, 2)
    code = f"from pillar_service.web import forwarding as f; f.storage.prepare(); f.deliver({id!r})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    sender = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        _wait(lambda: bool(hook.asked))
    finally:
        sender.send_signal(signal.SIGKILL)
        sender.wait()
    tell(3)
    assert deliveries.due(9) == []
    rows.change(id, claimed_until=0.0)  # as after a minute
    forwarding.deliver(id)
    forwarding.deliver(id)
    assert sequences(hook) == [1, 2, 3]
    assert hook.asked[0] == hook.asked[1]


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_that_hangs_delays_none_of_a_hundred(hooked: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST", 100)
    slow, slow_id = hooked("hang", account=None)
    quick, id = hooked(200, account=None)
    quick.secret = ""  # each forwarding has its own
    ids = [id, *(str(forwardings.make(hooked.ann, None, "webhook", quick.url)["id"]) for _ in range(98))]
    tell(1)
    worker = forwarding.Forwarder(at_once=4, timeout_s=60)
    try:

        def is_done() -> bool:
            worker.step()
            return len(quick.asked) == 99 and all(stands(one)["sent"] == 1 for one in ids)

        _wait(is_done)
        assert worker.busy == {slow_id}
        assert (len(slow.asked), stands(slow_id)["sent"]) == (1, 0)
    finally:
        slow.stop()
        worker.stop()
        _wait(lambda: not worker.busy)


def test_what_the_database_does_not_let_be_claimed_is_tried_again_after_a_pause(
    hooked: Hooks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a full disk, where reading goes on: without a pause it would fill the log, and keep a processor busy."""
    monkeypatch.setattr(forwarding, "AGAIN_S", 0.5)
    hook, _ = hooked(200)
    tell(1)
    with database.transaction():
        database.db.execute_sql("ALTER TABLE forwarding RENAME COLUMN claim TO hidden")
    worker = forwarding.start()
    try:
        time.sleep(2)
        with database.transaction():
            database.db.execute_sql("ALTER TABLE forwarding RENAME COLUMN hidden TO claim")
        _wait(lambda: bool(hook.asked))
    finally:
        worker.stop()
    assert 1 <= len([line for line in caplog.messages if "can't be worked on" in line]) <= 6
