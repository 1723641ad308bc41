"""The watchman: a thread of the public app that looks which nodes are not heard of any more, and lets moves of bots, and
upgrades of nodes, go on."""

import logging
import threading

from pillar_service.usecases import draining, moves, presence, storage, waves

EVERY_S = 5.0
"""How often it looks: a question with few rows as its answer."""

log = logging.getLogger(__name__)


def start() -> threading.Event:
    """Start the thread; set the event that is returned to end it."""
    over = threading.Event()
    threading.Thread(target=_work, args=(over,), name="watching", daemon=True).start()
    return over


def _work(over: threading.Event) -> None:
    while not over.wait(EVERY_S):
        try:
            presence.look()
            moves.go_on()
            draining.go_on()
            waves.go_on()
        except Exception:
            log.exception("Nodes, moves and upgrades can't be looked at; again in %g s.", EVERY_S)
            storage.release()
