"""The watchman: a thread of the public app that looks which nodes are not heard of any more, and lets moves of bots, and
upgrades of nodes, go on. Once a minute it gives up the jobs for which no master came, once an hour it forgets the tars
that nobody needs any more, and looks whether the machines that come along are offered to nodes."""

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
"""How often it looks: a question with few rows as its answer."""

GIVE_UP_EVERY_S = 60.0
"""How often jobs are looked for that waited too long for a master."""

SWEEP_EVERY_S = 3600.0
"""How often old tars are looked for."""

log = logging.getLogger(__name__)


def start() -> threading.Event:
    """Start the thread; set the event that is returned to end it."""
    return threads.start("watching", _work)


def _work(over: threading.Event) -> None:
    next_give_up = next_sweep = 0.0
    pause_s = 0.0  # at once: what was missed while the service was away is nobody's silence
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
    """Each by itself: what one can't do is no reason for the others not to."""
    for one in these:
        try:
            one()
        except Exception:
            log.exception("%s.%s could not be done; it is tried again.", one.__module__, one.__name__)
            storage.release()
