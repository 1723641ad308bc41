"""Threads of the public app, for what no request waits for."""

import logging
import threading
from collections.abc import Callable

from pillar_service.usecases.service import storage

log = logging.getLogger(__name__)


def start(name: str, work: Callable[[threading.Event], None]) -> threading.Event:
    """Start a thread that works until the event is set that it is given, and that is returned."""
    over = threading.Event()
    threading.Thread(target=work, args=(over,), name=name, daemon=True).start()
    return over


def go_on(step: Callable[[], bool], every_s: float, over: threading.Event) -> None:
    """Take one step after the other until it is over; where there is nothing to do, or a step fails, the next comes later."""
    while not over.is_set():
        try:
            is_more = step()
        except Exception:
            log.exception("%s.%s could not be done; again in %g s.", step.__module__, step.__name__, every_s)
            storage.release()
            is_more = False
        if not is_more:
            over.wait(every_s)
