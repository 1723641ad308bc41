"""The dispatcher as a whole: its threads, and the lock that keeps out a second dispatcher of the same master."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from pillar_service.core.errors import Failed
from pillar_service.master.client import Client
from pillar_service.master.dispatch import changes, claims, delivery, events, keys, watch
from pillar_service.master.dispatch.arrivals import Arrivals
from pillar_service.master.dispatch.runs import Runs
from pillar_service.master.dispatch.salt_master import SaltMaster

log = logging.getLogger(__name__)


def run(opts: Mapping[str, Any], url: str, token_file: str, name: str) -> None:
    """Runs until the master is gone; raises Failed when one of its threads ends, so that Salt starts all of it again."""
    parent = os.getppid()
    with _alone(Path(opts["cachedir"]) / "saltcellar" / "dispatcher.lock"):
        _parts(opts, Client(url, token_file), name, parent)


def _parts(opts: Mapping[str, Any], client: Client, name: str, parent: int) -> None:
    stop, runs, master = threading.Event(), Runs(), SaltMaster(opts)
    threads = [
        _thread(stop, "claims", claims.follow, client, name, master, runs, stop),
        _thread(stop, "events", events.follow, opts, runs, Arrivals(master), stop),
        _thread(stop, "delivery", delivery.follow, client, master, runs, stop),
        _thread(stop, "changes", changes.follow, client, master, stop),
        _thread(stop, "keys", keys.follow, client, opts, stop),
        _thread(stop, "watch", watch.follow, client, master, runs, stop),
    ]
    log.info("The dispatcher %s has started its %d parts.", name, len(threads))
    while not stop.wait(1.0):
        if os.getppid() != parent:
            # A killed master leaves its engines running; the next master starts its own.
            stop.set()
            return
    raise Failed("A part of the dispatcher ended; see the log above. Salt starts it again.")


def _thread(stop: threading.Event, name: str, target: Callable[..., None], *arguments: Any) -> threading.Thread:
    def body() -> None:
        try:
            target(*arguments)
        except BaseException:
            log.exception("The dispatcher's part %s failed.", name)
        finally:
            stop.set()

    thread = threading.Thread(target=body, name=f"saltcellar-{name}", daemon=True)
    thread.start()
    return thread


def _alone(path: Path) -> IO[bytes]:
    """Waits for the lock, which is released when its holder ends, however it ends."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = path.open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file
