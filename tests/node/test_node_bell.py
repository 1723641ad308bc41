"""A spool's bell: whoever delivers hears it at once, misses nothing, and can do without it."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillar_service.core.events.submission import Priority
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool
from pillar_service.node.spool.bell import UNHEARD_S, Bell

LONG_S = 20.0
SOON_S = 5.0
"""Far less than LONG_S, but far more than a busy machine needs."""

RINGS = "import sys; from pathlib import Path; from pillar_service.node.spool.bell import Bell; Bell(Path(sys.argv[1])).ring()"


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Bell]:
    bell = Bell(tmp_path / "bell")
    bell.wait(0)  # It listens from now on.
    yield bell
    bell.close()


def waited(bell: Bell, seconds: float) -> float:
    began = time.monotonic()
    bell.wait(seconds)
    return time.monotonic() - began


def test_who_waits_wakes_when_another_process_rings(bell: Bell, tmp_path: Path) -> None:
    ringer = threading.Timer(0.2, subprocess.run, [[sys.executable, "-c", RINGS, str(tmp_path / "bell")]])
    ringer.start()
    assert 0.2 <= waited(bell, LONG_S) < LONG_S
    ringer.join()


def test_what_was_rung_before_is_heard_once(bell: Bell, tmp_path: Path) -> None:
    for _ in range(100):
        Bell(tmp_path / "bell").ring()
    assert waited(bell, LONG_S) < SOON_S
    assert waited(bell, 0.3) >= 0.3


def test_ringing_never_waits(bell: Bell, tmp_path: Path) -> None:
    ring = Bell(tmp_path / "bell").ring
    for _ in range(100_000):  # more than the 65,536 bytes that a pipe holds
        ring()
    assert waited(bell, LONG_S) < SOON_S


@pytest.mark.parametrize("what", ["nobody listens", "there is none"])
def test_a_ring_that_nobody_hears_does_nothing(tmp_path: Path, what: str) -> None:
    if what == "nobody listens":
        bell = Bell(tmp_path / "bell")
        bell.wait(0)
        bell.close()
    Bell(tmp_path / "bell").ring()
    assert (tmp_path / "bell").exists() == (what == "nobody listens")


def test_without_a_bell_one_looks_soon(tmp_path: Path) -> None:
    assert UNHEARD_S <= waited(Bell(tmp_path / "no folder" / "bell"), LONG_S) < SOON_S


def test_what_is_put_rings(tmp_path: Path) -> None:
    listening, putting = Spool(Home(tmp_path)), Spool(Home(tmp_path))
    putting.put("org.example.thing", "thing", {}, priority=Priority.NORMAL)
    assert waited(listening.bell, 0.3) >= 0.3  # nobody had listened
    putting.put("org.example.thing", "thing", {}, priority=Priority.NORMAL)
    assert waited(listening.bell, LONG_S) < SOON_S
