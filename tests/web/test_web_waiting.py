"""Long polls: what is committed is seen soon, and nothing is looked for repeatedly while nothing changes."""

import contextlib
import threading
import time
from typing import Any

import pytest

from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.jobs import leases
from pillar_service.web import waiting

pytestmark = pytest.mark.usefixtures("service")


class Looking:
    """Looks for a lease of that name, and counts its looks."""

    def __init__(self) -> None:
        self.looks = 0
        self.begun = threading.Event()

    def __call__(self) -> bool:
        self.looks += 1
        self.begun.set()
        return leases.Lease.select().where(leases.Lease.name == "awaited").exists()


def waited(app: Any, look: Looking, seconds: float) -> tuple[bool, float]:
    """What was found, and after how many seconds."""
    began = time.monotonic()
    with app.test_request_context("/"):
        found = waiting.until(look, seconds)
    return found, time.monotonic() - began


def put(name: str) -> None:
    with database.transaction():
        leases.put(name, "me", 1, 1.0)


def test_what_is_committed_by_somebody_else_is_seen_soon(public_app: Any) -> None:
    look, told = Looking(), []

    def wait() -> None:
        try:
            told.append(waited(public_app, look, 20))
        finally:
            database.release()

    thread = threading.Thread(target=wait)
    thread.start()
    assert look.begun.wait(20)
    time.sleep(2 * waiting.EVERY_S)
    put("another")  # A change that does not matter.
    time.sleep(2 * waiting.EVERY_S)
    assert not told
    committed = time.monotonic()
    put("awaited")
    thread.join(20)
    assert told[0][0]
    assert time.monotonic() - committed < waiting.LOOK_EVERY_S / 2


def test_while_nothing_is_committed_nobody_looks_but_now_and_then_and_at_the_end(public_app: Any) -> None:
    look = Looking()
    found, took = waited(public_app, look, waiting.LOOK_EVERY_S * 1.5)
    assert not found
    assert took == pytest.approx(waiting.LOOK_EVERY_S * 1.5, abs=0.5)
    if database.on_sqlite():
        assert look.looks == 3  # At once, once for what time alone makes true, and at the end.
    else:
        assert look.looks > 3


def test_it_ends_when_the_server_stops(public_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Looking()
    monkeypatch.setattr(waiting, "is_stopping", lambda: look.looks > 0)
    assert waited(public_app, look, 20)[1] < 5


def test_those_of_whom_there_may_be_many_leave_half_of_the_threads(public_app: Any) -> None:
    half = settings().threads // 2
    with contextlib.ExitStack() as waits, public_app.test_request_context("/"):
        for _ in range(half - 1):
            waits.enter_context(waiting.slots.taken(always=True))
        began = time.monotonic()
        waiting.with_others(lambda: None, 0.3)
        assert time.monotonic() - began >= 0.3
        with waiting.slots.taken() as may:
            assert may
            began = time.monotonic()
            assert waiting.with_others(lambda: "as it is", 20) == "as it is"
            waiting.with_others(lambda: None, 20)
            assert time.monotonic() - began < 5
            waiting.until(lambda: None, 0.3)  # The dispatcher waits, however many others do.
            assert time.monotonic() - began >= 0.3
    with waiting.slots.taken() as may:
        assert may
