"""The watchman: a thread of the public app that does what is due by time.

It looks which nodes have gone silent, and lets moves of bots, drainings and upgrades of nodes go on. Once a minute it
gives up the jobs for which no master came. Once an hour it deletes tars that nobody needs any more, and offers the
shipped machines to nodes if they are not offered yet.
"""

import logging
import threading
import time
from collections.abc import Callable

from pillar_service.usecases.bots import moves, transfers
from pillar_service.usecases.jobs import claims
from pillar_service.usecases.nodes import draining, presence, shipping, waves
from pillar_service.usecases.service import storage
from pillar_service.web import threads

EVERY_S = 5.0
"""How often it looks, in seconds: a query that returns few rows."""

GIVE_UP_EVERY_S = 60.0
"""How often it looks for jobs that have waited too long for a master, in seconds."""

SWEEP_EVERY_S = 3600.0
"""How often it deletes old tars, and looks at the shipped machines, in seconds."""

log = logging.getLogger(__name__)


def start() -> threading.Event:
    """Start the thread. Set the event that is returned to stop it."""
    return threads.start("watching", _work)


def _work(over: threading.Event) -> None:
    next_give_up = next_sweep = 0.0
    pause_s = 0.0  # at once: this notes that the service was away, which is no node's silence
    while not over.wait(pause_s):
        pause_s = EVERY_S
        _look(presence.look, moves.go_on, draining.go_on, waves.go_on)
        if time.monotonic() >= next_give_up:
            next_give_up = time.monotonic() + GIVE_UP_EVERY_S
            _look(claims.without_master)
        if time.monotonic() >= next_sweep:
            next_sweep = time.monotonic() + SWEEP_EVERY_S
            _look(transfers.sweep, shipping.ship)


def _look(*these: Callable[[], object]) -> None:
    """Call each of them, also if another one fails."""
    for one in these:
        try:
            one()
        except Exception:
            log.exception("%s.%s failed; it will be tried again.", one.__module__, one.__name__)
            storage.release()
