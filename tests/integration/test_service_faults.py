"""Faults of the service itself: a full disk, a locked database, a worker that dies during a request."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time

import psutil
import pytest
import requests
from daemons import Service, running, until

from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.master.client import Client

RECOVERS_WITHIN_S = 5.0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def started(small_disk):
    """The service with its database on the small disk, and one node."""
    with running(Service(small_disk)) as service:
        service.manage("node-add", "cellar-1")
        yield service


@pytest.fixture
def asker(started):
    return Client(started.url, str(started.token_file), actor="tester")


def person(number):
    return {"type": "person", "email": f"person-{number}@example.org"}


def filled(folder):
    """Fills the disk to the last byte; returns the file to remove."""
    rest = folder / "filler"
    with rest.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return rest


def emails(asker):
    return [agent["email"] for agent in asker.agents(type="person")]


def works_again(asker, number):
    """How many seconds pass until writing works again."""
    began = time.monotonic()

    def written():
        with contextlib.suppress(SaltcellarError):
            return asker.create_agent(person(number))

    until(written, RECOVERS_WITHIN_S, "the service writes again")
    return time.monotonic() - began


def test_a_full_disk_is_said_and_nothing_is_half_done(started, asker, small_disk):
    rest, answered, refused = filled(small_disk), [], []
    for number in range(40):  # The write-ahead log may have room for a few more.
        try:
            answered.append(asker.create_agent(person(number))["agent"]["email"])
        except Unavailable as error:
            refused.append(error.sentence)
    assert len(refused) > 20
    assert all("disk is full" in sentence for sentence in refused), refused
    assert requests.get(f"{started.public_url}/", timeout=5).status_code == 200
    rest.unlink()
    works_again(asker, 99)
    assert sorted(emails(asker)) == sorted([*answered, "person-99@example.org"])


def test_a_locked_database_is_said_and_passes(started, asker, small_disk):
    with contextlib.closing(sqlite3.connect(small_disk / "cellar.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="busy"):
            asker.create_agent(person(1))
        other.execute("ROLLBACK")
    works_again(asker, 2)
    assert emails(asker) == ["person-2@example.org"]


def test_a_worker_killed_in_a_request_loses_nothing_that_was_answered(started, asker):
    answered, stop = [], threading.Event()

    def ask():
        number = 0
        while not stop.is_set():
            number += 1
            with contextlib.suppress(SaltcellarError):
                answered.append(asker.create_agent(person(number))["agent"]["email"])

    def some_more():
        seen = len(answered)
        until(lambda: len(answered) > seen + 2, 20, "requests are answered")

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(5):
        some_more()
        for worker in psutil.Process(started.apps["private"].pid).children():
            os.kill(worker.pid, signal.SIGKILL)
    some_more()
    stop.set()
    asking.join()
    assert set(answered) <= set(emails(asker))
    assert len(emails(asker)) == len(set(emails(asker)))
