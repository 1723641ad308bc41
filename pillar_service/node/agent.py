"""The agent: what a node does by itself, in one process of the minion, whether or not anybody is there to ask it to.

A *duty* is an object with a ``name``, ``every_s`` and ``run(now_monotonic)``; ``duties.py`` lists them. Each has a thread
of its own: one that hangs or fails stops no other. A duty may have ``wait(seconds)``, which comes back sooner when there is
something to do, and ``stop()``, which is called at the end.
"""

import contextlib
import fcntl
import logging
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from pillar_service.node.paths import Home

log = logging.getLogger(__name__)

AT_THE_END_S = 2.0
"""How long duties that run are waited for; they are killed at any moment anyway, now and then."""
AFTER_FAILURE_S = 10.0
"""At least so long does a duty rest that failed: one that fails each time neither spins nor fills the log."""

PASS = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class Duty(Protocol):
    """Something to be done again and again."""

    name: str
    every_s: float

    def run(self, now_monotonic: float) -> None:
        """Do it once; what may happen is no error."""


class Agent:
    """Runs duties until it is told to stop, or whoever started it is gone."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self._duties, self._stopped = duties, threading.Event()
        self.failures = {duty.name: 0 for duty in duties}

    def run(self) -> None:
        """Until the end, in the main thread of a process."""
        parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # No thread keeps the process from ending.
        threads = [
            threading.Thread(target=self._go, args=(duty,), name=duty.name, daemon=True) for duty in self._duties
        ]
        for thread in threads:
            thread.start()
        while not self._stopped.wait(1.0):
            if os.getppid() != parent:
                log.warning("agent: the minion is gone")
                self._stopped.set()
        until = time.monotonic() + AT_THE_END_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._end()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped.set()

    def _go(self, duty: Duty) -> None:
        wait = getattr(duty, "wait", self._stopped.wait)
        while not self._stopped.is_set():
            try:
                duty.run(time.monotonic())
                wait(duty.every_s)
            except Exception:
                self.failures[duty.name] += 1
                log.exception("agent: the duty %s failed; it is tried again", duty.name)
                self._stopped.wait(max(duty.every_s, AFTER_FAILURE_S))

    def _end(self) -> None:
        for duty in self._duties:
            if stop := getattr(duty, "stop", None):
                try:
                    stop()
                except Exception:
                    log.exception("agent: the duty %s did not end well", duty.name)


@contextlib.contextmanager
def alone(home: Home, every_s: float = 0.5) -> Iterator[bool]:
    """Waits until no other agent runs in this home: after a kill, the one before may take a second to see it.

    Gives whether it came to that: not if whoever started us is gone before. A disk that can't be written to is waited for.
    """
    parent, descriptor = os.getppid(), None
    while descriptor is None and os.getppid() == parent:
        if (descriptor := _locked(home)) is None:
            time.sleep(every_s)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def runs(home: Home) -> bool:
    """Whether an agent runs in this home now."""
    try:
        with (home.state / "agent.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _let_pass(root: Path) -> None:
    """Users of commands, and who drops events, must get below it; a node may have been enrolled under a umask of 027."""
    mode = stat.S_IMODE(root.stat().st_mode)
    if mode & PASS != PASS:
        root.chmod(mode | PASS)


def _locked(home: Home) -> int | None:
    """The open file ``agent.lock``, which says who has it; None while somebody else has it, or there can be none."""
    descriptor = None
    with contextlib.suppress(OSError):
        _let_pass(home.root)
    try:
        home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(home.state / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # BlockingIOError among them
        if descriptor is not None:
            os.close(descriptor)
        return None
    with contextlib.suppress(OSError):  # on a full disk it works without
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
