"""Holds a bot still while something works on its data: nobody starts it meanwhile."""

import contextlib
import fcntl
from collections.abc import Iterator
from typing import IO

from pillar_service.core.errors import Conflict
from pillar_service.node import locks
from pillar_service.node.paths import Home, bot_id


@contextlib.contextmanager
def held(home: Home, bot: str) -> Iterator[None]:
    """Hold a bot still: nobody starts it, and this node starts no bot by itself; first waits for starts under way."""
    with _lock(home, "still.lock") as node, _lock(home, f"still-{bot_id(bot)}.lock") as its:
        fcntl.flock(node, fcntl.LOCK_SH)
        fcntl.flock(its, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def starting(home: Home, bot: str) -> Iterator[None]:
    """Keep others from holding the bot still; raises Conflict if somebody does already."""
    with _lock(home, f"still-{bot_id(bot)}.lock") as its:
        try:
            fcntl.flock(its, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "The bot is being packed for an export, so it can't be started: try again in a while."
            ) from None
        yield


@contextlib.contextmanager
def nobody_holds(home: Home) -> Iterator[bool]:
    """Yield whether no bot of this node is held still; if so, none can be until this ends."""
    with _lock(home, "still.lock") as lock:
        yield locks.taken(lock)


def _lock(home: Home, name: str) -> IO[bytes]:
    home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return (home.state / name).open("wb")
