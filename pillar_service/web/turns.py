"""Turns: a worker makes one page at a time, so that each is done soon instead of all being slow together.

Making a page is processor work. Sixteen threads that share one interpreter interrupt each other; with turns as many
pages are made, and the slowest hundredth waits a third less (bench/pages.py).
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

PATIENCE_S = 0.25
"""How long a request waits for its turn, in seconds, then it goes on without.

A request that waits for something else (a database that is away) must not stop all others.
"""

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Turn:
    """A lock that is handed on in the order of asking; a plain lock goes to whichever thread happens to run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    def take(self) -> bool:
        """Wait for the turn; returns False if it did not come in time."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(PATIENCE_S):
            return True
        with self._lock:
            if mine.is_set():
                return True
            self._waiting.remove(mine)
            return False

    def give(self) -> None:
        """Hand the turn to the next in line."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


class Turns:
    """A WSGI application whose GET requests take turns; all other requests go at once."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._turn = Turn()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request; a streamed body is sent after its turn."""
        has_turn = environ["REQUEST_METHOD"] == "GET" and self._turn.take()
        try:
            return self._application(environ, start_response)
        finally:
            if has_turn:
                self._turn.give()
