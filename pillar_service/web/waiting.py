"""Long polls: wait for something in the database, cheaply, and end when the server stops."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

EVERY_S = 0.04
"""How often the database is asked; what any process commits is seen within this time."""

is_stopping: Callable[[], bool] = lambda: False  # noqa: E731  (a worker puts its own in place)


def until(look: Callable[[], Found], seconds: float) -> Found:
    """What ``look`` finds, as soon as it is true, or what it finds last after that many seconds.

    ``look`` is one or two indexed queries outside any transaction, so that a waiting request holds nothing.
    """
    end = time.monotonic() + seconds
    while True:
        found = look()
        left = end - time.monotonic()
        if found or left <= 0 or is_stopping():
            return found
        time.sleep(min(EVERY_S, left))
