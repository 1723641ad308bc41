"""The bell of a spool: whoever puts an event rings it, so that who delivers need not look for one ten times a second."""

import os
import select
import time
from contextlib import suppress
from pathlib import Path

UNHEARD_S = 0.1
"""How long to wait where there can be no bell (a disk that can't be written to): then one has to look."""


class Bell:
    """A pipe with a name, beside the spool's file. It holds what was rung while nobody waited: no ring is missed.

    It only saves time: an event stands in the spool whether or not it was heard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._heard: int | None = None

    def ring(self) -> None:
        """Whoever waits, wakes; nothing happens where nobody listens, or is behind."""
        with suppress(OSError):
            pipe = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.write(pipe, b".")
            finally:
                os.close(pipe)

    def wait(self, seconds: float) -> None:
        """Until it is rung, or was since the last wait; at most so long."""
        try:
            pipe = self._opened()
        except OSError:
            time.sleep(min(seconds, UNHEARD_S))
            return
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        if poll.poll(seconds * 1000):
            os.read(pipe, 1 << 16)

    def close(self) -> None:
        """Listen no more."""
        if self._heard is not None:
            os.close(self._heard)
            self._heard = None

    def _opened(self) -> int:
        if self._heard is None:
            with suppress(FileExistsError):
                os.mkfifo(self._path, 0o600)
            # Also for writing: else it would say for ever that the last one who rang has gone.
            self._heard = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        return self._heard
