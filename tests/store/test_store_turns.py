"""Writers queue up, even across processes; nobody waits for ever, nor for one that was killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pillar_service.store.turns import Turns

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pillar_service.store.turns import Turns
with Turns(sys.argv[1]).turn(5):
    print("mine", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "some.sqlite")


@contextmanager
def holder(path: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the turn."""
    command = [sys.executable, "-c", HOLDER, path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def took(turns: Turns, seconds: float) -> float:
    """How many seconds it took until the turn began."""
    began = time.monotonic()
    with turns.turn(seconds):
        return time.monotonic() - began


def test_one_thread_after_the_other(path: str) -> None:
    turns, inside, seen = Turns(path), [0], []

    def write() -> None:
        for _ in range(20):
            with turns.turn(30):
                inside[0] += 1
                seen.append(inside[0])
                time.sleep(0.0005)
                inside[0] -= 1

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 80


def test_a_writer_of_another_process_is_waited_for(path: str) -> None:
    with holder(path) as other:
        assert other.stdin
        threading.Timer(0.4, lambda: other.stdin and other.stdin.write("go\n") and other.stdin.flush()).start()
        assert 0.3 < took(Turns(path), 30) < 25


def test_nobody_waits_longer_than_they_will(path: str) -> None:
    with holder(path):
        assert 0.2 <= took(Turns(path), 0.2) < 10


def test_the_turn_of_one_that_was_killed_is_free(path: str) -> None:
    with holder(path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert took(Turns(path), 30) < 10


def test_where_no_file_can_be_made_the_database_decides(tmp_path: Path) -> None:
    assert took(Turns(str(tmp_path / "nothing" / "some.sqlite")), 5) < 4


def test_the_turn_is_given_back_when_a_write_fails(path: str) -> None:
    turns = Turns(path)
    with pytest.raises(ZeroDivisionError), turns.turn(5):
        raise ZeroDivisionError
    assert took(Turns(path), 30) < 10
    assert took(turns, 30) < 10
