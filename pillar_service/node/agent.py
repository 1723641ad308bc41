"""The agent: runs the node's duties in one process of the minion, whether or not a master is there.

A *duty* is an object with a ``name``, ``every_s`` and ``run(now_monotonic)``; ``duties.py`` lists them. Each has a thread
of its own, so one that hangs or fails does not stop the others. A duty may have ``wait(seconds)``, which returns sooner if
there is something to do, and ``stop()``, which is called at the end.
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
"""Seconds that running duties get to finish when the agent stops; each duty must survive being killed anyway."""
AFTER_FAILURE_S = 10.0
"""The least pause after a failure, in seconds: so a duty that always fails neither spins nor fills the log."""

PASS = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class Duty(Protocol):
    """Something that is done again and again."""

    name: str
    every_s: float

    def run(self, now_monotonic: float) -> None:
        """Do it once. An exception counts as a failure; conditions that are to be expected must not raise."""


class Agent:
    """Runs duties until it is told to stop or its parent process is gone."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self._duties, self._stopped = duties, threading.Event()
        self.failures = {duty.name: 0 for duty in duties}

    def run(self) -> None:
        """Run until the end; call this in the main thread of a process."""
        parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # Daemon threads, which don't keep the process from ending.
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
                log.exception("agent: the duty %s failed, and will be tried again", duty.name)
                self._stopped.wait(max(duty.every_s, AFTER_FAILURE_S))

    def _end(self) -> None:
        for duty in self._duties:
            if stop := getattr(duty, "stop", None):
                try:
                    stop()
                except Exception:
                    log.exception("agent: the duty %s failed as it was stopped", duty.name)


@contextlib.contextmanager
def alone(home: Home, every_s: float = 0.5) -> Iterator[bool]:
    """Wait until no other agent runs in this home: when a minion is killed, its agent may take a second to notice.

    Yields True once this agent is alone, or False if its parent process is gone before that. Also waits while the disk can't
    be written to.
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
    """Let all users pass through the home: commands' users and those who drop events need to. A umask may have forbidden it."""
    mode = stat.S_IMODE(root.stat().st_mode)
    if mode & PASS != PASS:
        root.chmod(mode | PASS)


def _locked(home: Home) -> int | None:
    """The locked file ``agent.lock``, which holds the agent's process id; None if another agent has it or it can't be made."""
    descriptor = None
    with contextlib.suppress(OSError):
        _let_pass(home.root)
    try:
        home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(home.state / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # also BlockingIOError
        if descriptor is not None:
            os.close(descriptor)
        return None
    with contextlib.suppress(OSError):  # on a full disk the lock works without the process id
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
