"""Turns at writing: SQLite's writers wait in line, as PostgreSQL's do for their lock.

SQLite lets one write at a time, and has the others look again after pauses that grow to 0.1 s: under load somebody is
always quicker, and who waits is turned away after BUSY_S though the lock was free a thousand times.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_EVERY_S = 0.0005
"""How often the first in this process's line looks whether another process is done."""


class Turns:
    """The line for one database file: threads of this process wait for a lock, its first one for other processes.

    Nothing hangs on it but fairness: who got no turn in time tries anyway, and the database itself decides.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{path}.turn"
        self._lock = threading.Lock()
        self._file = -1

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """One turn; waits for it for so long at most."""
        ends = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            yield
            return
        try:
            held = self._take(ends)
            try:
                yield
            finally:
                if held:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._lock.release()

    def _take(self, ends: float) -> bool:
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False  # a folder that can't be written to: the database says so better
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends:
                    return False
                time.sleep(LOOK_EVERY_S)
            else:
                return True
