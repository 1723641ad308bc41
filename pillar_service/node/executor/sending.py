"""Sends lines through the node's door: while the command runs, or later if the service was away."""

import threading
import time
from pathlib import Path

from pillar_service.core.errors import SaltcellarError, Unauthenticated
from pillar_service.node.door import Door
from pillar_service.node.executor.spool import BATCH_LINES, Reader

EVERY_S = 0.2
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after one failure, two, …"""

AT_THE_END_S = 5.0
"""Seconds that the end of a run waits for its lines to be sent; the duty `commands` sends the rest."""


class Way:
    """Sends one run's lines from their file to the service. Raises what the door raises; the next call goes on there."""

    def __init__(self, path: Path, job: str, attempt: int) -> None:
        self._path, self._job, self._attempt = path, job, attempt
        self._reader, self._stored = Reader(path), 0

    def send(self, door: Door, timeout_s: float = 10.0) -> int:
        """Send one batch; returns how many lines it had."""
        batch = self._reader.batch()
        fresh = [line for line in batch if line["n"] > self._stored]
        if fresh:
            self._stored = door.lines(self._job, self._attempt, fresh, timeout_s)
        self._reader.taken()
        return len(batch)

    def forget(self) -> None:
        """Delete the file: the service has all its lines, or wants none."""
        self._path.unlink(missing_ok=True)


def is_unwanted(error: SaltcellarError) -> bool:
    """Whether the service will never take these lines. A refused token does not mean that: it may just have changed."""
    return error.permanent and not isinstance(error, Unauthenticated)


class Sender(threading.Thread):
    """Sends lines while they are written: every 0.2 s, or at once after a full batch of 500."""

    def __init__(self, way: Way, door: Door) -> None:
        super().__init__(daemon=True, name="lines")
        self._way, self._door = way, door
        self._over, self._until = threading.Event(), float("inf")
        self._failures = 0

    def run(self) -> None:
        """Send until ``finish`` was called and everything is sent."""
        while time.monotonic() < self._until:
            is_over = self._over.is_set()
            try:
                sent = self._way.send(self._door, max(0.5, min(10.0, self._until - time.monotonic())))
                self._failures = 0
            except SaltcellarError as error:
                if is_unwanted(error):
                    self._way.forget()
                    return
                self._pause()
                continue
            if is_over and sent == 0:
                self._way.forget()
                return
            if sent < BATCH_LINES and not is_over:
                self._over.wait(EVERY_S)

    def _pause(self) -> None:
        pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        if self._over.is_set():
            time.sleep(min(0.5, pause))
        else:
            self._over.wait(pause)

    def finish(self) -> None:
        """Send the rest, now that everything is written; waits 5 s at most."""
        self._until = time.monotonic() + AT_THE_END_S
        self._over.set()
        self.join(AT_THE_END_S + 1.0)
