"""A bot that is held still for a while, because somebody works on its data, is not started by what keeps bots running."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pillar_service.node import locks
from pillar_service.node.paths import Home


@contextlib.contextmanager
def held(home: Home) -> Iterator[None]:
    """While this lasts nobody starts a bot of this node by itself; waits until whoever does so is done."""
    with _lock(home) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def nobody_holds(home: Home) -> Iterator[bool]:
    """Gives whether no bot of this node is held still; if so, none is until this ends."""
    with _lock(home) as lock:
        yield locks.taken(lock)


def _lock(home: Home) -> IO[bytes]:
    home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(home.state / "still.lock").open("wb")
