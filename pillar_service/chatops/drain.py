"""The drain: a thread that takes deliveries from the inbox and has them processed, one after another.

If the database or our own code fails, that delivery waits and others go on. A delivery on which our code fails again
and again is dropped, and its sender is told; while the database is away, deliveries wait however long it takes.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from pillar_service.chatops import orphans
from pillar_service.chatops.deliveries import Payload
from pillar_service.chatops.inbox import Entry, Inbox
from pillar_service.core import tracing
from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.usecases.chat import hearing
from pillar_service.usecases.service import storage

EVERY_S = 1.0
YIELD_S = 0.2
"""How long work waits for acks, at most, in seconds: both share this process's interpreter."""

ADOPT_EVERY_S = 5.0
FORGET_EVERY_S = 600.0
MOST_TRIES = 3
LONGEST_PAUSE_S = 30.0

log = logging.getLogger(__name__)


class Drain:
    """Processes an inbox until it is stopped; ``work`` gets each payload once, ``apologise`` those that fail for good."""

    def __init__(self, inbox: Inbox, work: Callable[[Payload], None], apologise: Callable[[Payload], None]) -> None:
        self.inbox, self.work, self.apologise = inbox, work, apologise
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self._adopted = self._forgot = 0.0
        self._waited: Counter[int] = Counter()

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def stop(self) -> None:
        """Stop it after what it is processing now."""
        self.over.set()
        self.inbox.arrived.set()
        if self.thread.is_alive():
            self.thread.join(10)

    def _run(self) -> None:
        while not self.over.is_set():
            try:
                self._look_around()
                if not self.one():
                    self.inbox.arrived.wait(EVERY_S)
                    self.inbox.arrived.clear()
            except Exception:
                log.exception("The inbox can't be processed; trying again in a second.")
                storage.release()
                self.over.wait(EVERY_S)
        storage.release()

    def _look_around(self) -> None:
        now = time.monotonic()
        if now - self._adopted > ADOPT_EVERY_S:
            self._adopted = now
            orphans.adopt(self.inbox)
        if now - self._forgot > FORGET_EVERY_S:
            self._forgot = now
            self.inbox.forget()
            hearing.forget()

    def one(self) -> bool:
        """Process the oldest entry that is due; returns False if none is."""
        self.inbox.arrived.clear()
        entry = self.inbox.next()
        if entry is None:
            return False
        self.inbox.wait_until_quiet(YIELD_S)
        try:
            with tracing.within():
                hearing.once(entry.key, entry.delivery, lambda: self.work(entry.payload))
        except (Unavailable, *storage.FAULTS) as error:
            self._later(entry, error)
        except Exception as error:
            self._failed(entry, error)
        else:
            self._done(entry)
        return True

    def _done(self, entry: Entry) -> None:
        self.inbox.done(entry.n)
        self._waited.pop(entry.n, None)

    def _later(self, entry: Entry, error: Exception, has_failed: bool = False) -> None:
        log.warning("A delivery from Slack (%s) has to wait: %s", entry.key, error)
        storage.release()
        pause_s = min(0.2 * 2.0 ** min(self._waited[entry.n], 10), LONGEST_PAUSE_S)
        self._waited[entry.n] += 1
        self.inbox.later(entry.n, pause_s, has_failed)

    def _failed(self, entry: Entry, error: Exception) -> None:
        # What was said may hold a secret, so neither it nor an error's own text is logged.
        kind = error.sentence if isinstance(error, SaltcellarError) else type(error).__name__
        log.error("A delivery from Slack (%s) failed: %s", entry.key, kind, exc_info=_where(error))
        if entry.tries + 1 < MOST_TRIES:
            self._later(entry, RuntimeError(kind), has_failed=True)
            return
        try:
            self.apologise(entry.payload)
        except Exception as another:
            log.error("Its sender can't be told: %s", type(another).__name__)
        hearing.done(entry.key)
        self._done(entry)


def _where(error: Exception) -> Exception:
    told = RuntimeError(f"{type(error).__name__}, see the traceback")
    told.__traceback__ = error.__traceback__
    return told
