"""Turns: a worker makes one page at a time, so that each is soon done instead of all being slow together.

Making a page is work for the processor. Sixteen threads that share one interpreter hand it to each other in the middle of
their work; with turns as many pages are made, and the slowest hundredth waits a third less (bench/pages.py).
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

PATIENCE_S = 0.25
"""How long a request waits for its turn. One that waits for something else (a database that is away) must not stop all."""

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Turn:
    """One turn, handed on in the order of asking: a plain lock gives it to whoever happens to run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    def take(self) -> bool:
        """Wait for the turn; False when it did not come in time."""
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
        """Hand the turn on."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


class Turns:
    """A WSGI application whose GET requests take turns; what changes something, or sends a file in, goes at once."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._turn = Turn()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answers one request; a stream's body is sent outside of its turn."""
        has_turn = environ["REQUEST_METHOD"] == "GET" and self._turn.take()
        try:
            return self._application(environ, start_response)
        finally:
            if has_turn:
                self._turn.give()
