"""The keeper: makes and verifies backups when they are due or asked for.

It is a thread of the public app, or a process of its own.
"""

import logging
import threading
import time

from pillar_service.usecases.bots import backup_exports
from pillar_service.usecases.service import backup_rounds, storage
from pillar_service.web import threads

EVERY_S = 2.0
"""How often it looks whether a backup is due, in seconds: two queries, each of which returns one row."""

EXPORTS_S = 60.0
"""How often it looks which bots are due for an export, in seconds: a query for each bot."""

log = logging.getLogger(__name__)


def start() -> threading.Event:
    """Start the thread. Set the event that is returned to stop it."""
    return threads.start("backups", work)


def work(over: threading.Event) -> None:
    """Make and verify backups until the event is set.

    A backup that is under way then ends with its process; the next process begins it anew.
    """
    looked = -EXPORTS_S
    while not over.wait(EVERY_S):
        try:
            if time.monotonic() - looked >= EXPORTS_S:
                looked = time.monotonic()
                backup_exports.ask_due()
            backup_rounds.step()
        except Exception:
            log.exception("Backups can't be made; trying again in %g s.", EVERY_S)
            storage.release()
