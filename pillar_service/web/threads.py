"""Threads of the public app, for work that no request waits for."""

import logging
import threading
from collections.abc import Callable

from pillar_service.usecases.service import storage

log = logging.getLogger(__name__)


def start(name: str, work: Callable[[threading.Event], None]) -> threading.Event:
    """Start a thread that works until the event that it is given is set. Returns that event."""
    over = threading.Event()
    threading.Thread(target=work, args=(over,), name=name, daemon=True).start()
    return over


def go_on(step: Callable[[], bool], every_s: float, over: threading.Event) -> None:
    """Call ``step`` again and again until the event is set.

    After a step that returns False or fails, wait ``every_s`` seconds.
    """
    while not over.is_set():
        try:
            is_more = step()
        except Exception:
            log.exception("%s.%s failed; trying again in %g s.", step.__module__, step.__name__, every_s)
            storage.release()
            is_more = False
        if not is_more:
            over.wait(every_s)
