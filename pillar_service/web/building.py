"""The builder: a thread of the public app that takes the steps of orders of machines; no request waits for a provider."""

import logging
import threading

from pillar_service.usecases.nodes import building
from pillar_service.usecases.service import storage

EVERY_S = 2.0
"""How often it looks whether a step is due."""

log = logging.getLogger(__name__)


def start() -> threading.Event:
    """Start the thread; set the event that is returned to end it."""
    over = threading.Event()
    threading.Thread(target=_work, args=(over,), name="building", daemon=True).start()
    return over


def _work(over: threading.Event) -> None:
    while not over.is_set():
        try:
            is_more = building.step()
        except Exception:
            log.exception("Orders of machines can't be worked on; again in %g s.", EVERY_S)
            storage.release()
            is_more = False
        if not is_more:
            over.wait(EVERY_S)
