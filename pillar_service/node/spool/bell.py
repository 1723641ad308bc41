"""A spool's bell: rung for each event that is put, so that delivery need not look for events ten times a second."""

import os
import select
import time
from contextlib import suppress
from pathlib import Path

UNHEARD_S = 0.1
"""Seconds to wait if there can be no bell (the disk can't be written to): then the spool must be looked at again."""


class Bell:
    """A named pipe beside the spool's file. A ring stays in it until somebody waits, so none is missed.

    The bell only saves time: an event is in the spool whether or not the bell was heard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._heard: int | None = None

    def ring(self) -> None:
        """Wake whoever waits. Does nothing if nobody listens or the pipe is full."""
        with suppress(OSError):
            pipe = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.write(pipe, b".")
            finally:
                os.close(pipe)

    def wait(self, seconds: float) -> None:
        """Wait until the bell is rung, at most so many seconds; returns at once if it was rung since the last wait."""
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
        """Stop listening."""
        if self._heard is not None:
            os.close(self._heard)
            self._heard = None

    def _opened(self) -> int:
        if self._heard is None:
            with suppress(FileExistsError):
                os.mkfifo(self._path, 0o600)
            # Opened for writing, too: otherwise poll would report a hang-up for ever once a writer has closed the pipe.
            self._heard = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        return self._heard
