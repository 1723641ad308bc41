"""Turns at writing: SQLite's writers queue, as PostgreSQL's do for their lock.

SQLite allows one writer at a time, and the others retry after pauses that grow to 0.1 s. Under load another writer is
always quicker, and a waiting one would fail after BUSY_S although the lock was free a thousand times.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_EVERY_S = 0.0005
"""How often the first writer in this process's queue checks whether another process is done."""


class Turns:
    """The queue for one database file: threads of this process wait for a lock, and its holder waits for other processes.

    It only makes waiting fair: a writer that gets no turn in time tries anyway, and the database decides.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{path}.turn"
        self._lock = threading.Lock()
        self._file = -1

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """One turn at writing, waited for at most so many seconds."""
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
            return False  # the folder can't be written to: the database gives the better error
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends:
                    return False
                time.sleep(LOOK_EVERY_S)
            else:
                return True
