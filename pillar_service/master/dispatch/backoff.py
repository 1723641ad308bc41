"""How long to wait before asking again when there was no answer."""

import random
import threading

FIRST_S = 0.1
LONGEST_S = 10.0


class Backoff:
    """Full jitter: each wait is random between 0 and a bound that doubles from 0.1 s to ``longest_s`` seconds."""

    def __init__(self, stop: threading.Event, longest_s: float = LONGEST_S) -> None:
        self._stop, self._longest_s = stop, longest_s
        self._bound = FIRST_S

    def wait(self) -> None:
        """Waits; returns at once when ``stop`` is set."""
        self._stop.wait(random.uniform(0, self._bound))  # noqa: S311  (spreads retries, guards nothing)
        self._bound = min(self._bound * 2, self._longest_s)

    def reset(self) -> None:
        """Makes the next wait short again, after an answer."""
        self._bound = FIRST_S
