"""The keeper, a thread of the public app or a process of its own: makes and verifies backups when they are due or asked for."""

import logging
import threading
import time

from pillar_service.usecases.bots import backup_exports
from pillar_service.usecases.service import backup_rounds, storage
from pillar_service.web import threads

EVERY_S = 2.0
"""How often it looks whether one is due: two questions, each with one row as its answer."""

EXPORTS_S = 60.0
"""How often it looks which bots are to be exported: a question about each bot."""

log = logging.getLogger(__name__)


def start() -> threading.Event:
    """Start the thread; set the event that is returned to end it."""
    return threads.start("backups", work)


def work(over: threading.Event) -> None:
    """Do so until the event is set; what is under way then is ended with its process, and begun anew by the next."""
    looked = -EXPORTS_S
    while not over.wait(EVERY_S):
        try:
            if time.monotonic() - looked >= EXPORTS_S:
                looked = time.monotonic()
                backup_exports.ask_due()
            backup_rounds.step()
        except Exception:
            log.exception("Backups can't be made; again in %g s.", EVERY_S)
            storage.release()
