"""The inbox: on disk before the ack, done once, adopted by another process when its own has died."""

import os
import secrets
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.slack import Slack

from pillar_service.chatops import deliveries, orphans
from pillar_service.chatops.deliveries import Delivery
from pillar_service.chatops.drain import Drain
from pillar_service.chatops.inbox import Inbox, Kept
from pillar_service.core.errors import Invalid, Unavailable
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.usecases.chat import hearing

ROOT = Path(__file__).parent.parent.parent

LEAVES = """
import os, sys
from pillar_service.chatops.deliveries import Delivery
from pillar_service.chatops.inbox import Inbox
from pillar_service.settings import settings
inbox = Inbox(settings().inbox)
for n in range(20):
    inbox.keep(Delivery(f"event:{n}", {"type": "left", "n": n}))
print("kept", flush=True)
sys.stdin.read()
"""


def delivery(key: str = "event:Ev1", **more: Any) -> Delivery:
    return Delivery(key, {"type": "x", **more})


def test_what_is_kept_twice_is_there_once(inbox: Inbox) -> None:
    assert [inbox.keep(delivery()) for _ in range(3)] == [Kept.NEW, Kept.AGAIN, Kept.AGAIN]
    entry = inbox.next()
    assert entry is not None
    assert (entry.key, entry.payload, entry.tries) == ("event:Ev1", {"type": "x"}, 0)
    inbox.done(entry.n)
    assert inbox.next() is None
    assert inbox.keep(delivery()) is Kept.AGAIN


def test_what_waits_lets_others_pass(inbox: Inbox) -> None:
    inbox.keep(delivery("a"))
    inbox.keep(delivery("b"))
    first = inbox.next()
    assert first is not None
    inbox.later(first.n, 0.2, has_failed=True)
    second = inbox.next()
    assert second is not None
    assert second.key == "b"
    inbox.done(second.n)
    time.sleep(0.25)
    again = inbox.next()
    assert again is not None
    assert (again.key, again.tries) == ("a", 1)


def test_what_was_kept_before_the_clock_was_set_back_is_next(inbox: Inbox) -> None:
    inbox.keep(delivery())
    inbox.run(lambda file: file.execute("UPDATE delivery SET not_before = not_before + 86400")).result(2)
    entry = inbox.next()
    assert entry is not None
    inbox.later(entry.n, 30)
    assert inbox.next() is None


def test_nothing_that_was_said_can_be_read_in_the_files(inbox: Inbox) -> None:
    canary = secrets.token_hex(12)
    inbox.keep(delivery(value=canary))
    entry = inbox.next()
    assert entry is not None
    inbox.done(entry.n)
    for file in inbox.file.parent.iterdir():
        assert canary.encode() not in file.read_bytes()
    assert stat.S_IMODE(inbox.file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(inbox.file.stat().st_mode) == 0o600


def test_many_at_once_share_their_syncs(inbox: Inbox) -> None:
    commits: list[int] = []
    inbox.run(
        lambda connection: connection.set_trace_callback(lambda told: told == "COMMIT" and commits.append(1))
    ).result(2)
    start = threading.Barrier(50)

    def keep(n: int) -> None:
        start.wait()
        inbox.keep(delivery(f"k{n}"))

    threads = [threading.Thread(target=keep, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    inbox.run(lambda connection: connection.set_trace_callback(None)).result(2)
    assert len(commits) < 40
    with sqlite3.connect(inbox.file) as connection:
        assert connection.execute("SELECT count(*) FROM delivery").fetchone() == (50,)


def test_a_disk_that_takes_nothing_is_no_ack(inbox: Inbox) -> None:
    blocker = sqlite3.connect(inbox.file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        inbox.keep(delivery(), wait_s=0.2)
    blocker.execute("ROLLBACK")
    assert inbox.keep(delivery("later")) is Kept.NEW


def test_what_a_killed_process_leaves_is_done_by_the_next(
    chat: Callable[[], None], inbox: Inbox, environment: dict[str, str], url: str
) -> None:
    told = {**os.environ, **environment, "CELLAR_DATABASE": url, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", LEAVES], env=told, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"kept\n"
    assert orphans.adopt(inbox) == 0  # its process lives
    assert inbox.next() is None
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert orphans.adopt(inbox) == 1
    found = []
    while (entry := inbox.next()) is not None:
        found.append(entry.payload["n"])
        inbox.done(entry.n)
    assert found == list(range(20))
    assert {file.stem for file in inbox.file.parent.glob("*.sqlite")} == {inbox.file.stem}


def test_what_is_in_two_inboxes_is_done_once(chat: Callable[[], None], inbox: Inbox) -> None:
    other, done = Inbox(settings().inbox), []
    for one in (inbox, other):
        one.keep(delivery(), wait_s=2)
    drains = [Drain(one, done.append, done.append) for one in (inbox, other)]
    assert [drain.one() for drain in drains] == [True, True]
    assert done == [{"type": "x"}]
    other.close()


def test_a_delivery_that_was_not_finished_is_done_again_and_by_nobody_else(chat: Callable[[], None]) -> None:
    done: list[str] = []

    def dies() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hearing.once("k", "first", dies)
    assert not hearing.once("k", "second", lambda: done.append("second"))
    assert hearing.once("k", "first", lambda: done.append("first"))
    assert not hearing.once("k", "first", lambda: done.append("again"))
    assert done == ["first"]


def test_what_fails_is_tried_again_then_its_sender_is_told(
    slack: Slack, inbox: Inbox, drain: Drain, heard: Any, apologies: list[Any], door: str
) -> None:
    heard.failing = [ZeroDivisionError(), ZeroDivisionError()]
    slack.user("T1/U1").mentions("lucky")
    assert [one.text for one in heard.wait(1)] == ["lucky"]
    heard.failing = [ZeroDivisionError() for _ in range(3)]
    slack.user("T1/U1").mentions("unlucky")
    until = time.monotonic() + 8
    while not apologies and time.monotonic() < until:
        time.sleep(0.02)
    assert len(apologies) == 1
    slack.user("T1/U1").mentions("end")
    assert [one.text for one in heard.wait(2)] == ["lucky", "end"]


def test_what_waited_for_the_database_has_all_its_tries_left(
    slack: Slack, inbox: Inbox, drain: Drain, heard: Any, apologies: list[Any], door: str
) -> None:
    # Raised from the last to the first: unavailable for a while, then one fault of ours.
    heard.failing = [ZeroDivisionError(), Unavailable("Away."), Unavailable("Away."), Unavailable("Away.")]
    slack.user("T1/U1").mentions("patient")
    assert [one.text for one in heard.wait(1)] == ["patient"]
    assert apologies == []


def test_while_the_service_is_busy_all_is_acked_and_done_later(
    slack: Slack, chat: Callable[[], None], door: str, drain: Drain, heard: Any
) -> None:
    holding, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.transaction():
            holding.set()
            leave.wait(20)
        database.release()

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(5)
    for n in range(5):
        slack.user("T1/U1").mentions(f"n{n}")
    assert [ack.status for ack in slack.delivering.acks] == [200] * 5
    assert max(ack.seconds for ack in slack.delivering.acks) < 1
    assert heard.all == []
    leave.set()
    holder.join()
    assert sorted(one.text for one in heard.wait(5, 15)) == [f"n{n}" for n in range(5)]


def test_keys_are_those_of_what_was_done() -> None:
    key_of = deliveries.key_of
    assert key_of({"event_id": "Ev1", "trigger_id": "t"}) == "event:Ev1"
    assert key_of({"trigger_id": "1.2.3", "command": "/x"}) == "trigger:1.2.3"
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 2, "b": 2})
    assert key_of({"event_id": ""}).startswith("hash:")
    with pytest.raises(Invalid):
        deliveries.from_http(b"\xff", "application/json", {})
