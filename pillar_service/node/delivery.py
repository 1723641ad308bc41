"""The duty `deliver`: sends the spool's events to the service, in order and at a limited rate, for as long as it takes."""

import logging
import random
import time
from collections.abc import Callable
from functools import partial

import requests

from pillar_service.core.bots import health
from pillar_service.core.errors import Failed, Invalid, SaltcellarError, Unauthenticated
from pillar_service.core.events import submission
from pillar_service.core.events.submission import BATCH_EVENTS, Answer
from pillar_service.core.nodes.signatures import MINION_KEY
from pillar_service.node.door import Door
from pillar_service.node.lastgood import Known
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Place, Spool
from pillar_service.node.spool.spool import Batch

log = logging.getLogger(__name__)

PER_S = 2000.0
"""The most events a second, so that a node with much to tell leaves room for others."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
LONGEST_ASKED_S = 900.0
"""The longest that the service can ask us to wait (Retry-After), in seconds."""
BACKLOG, SPLAY_S = 100, 30.0
"""If so many events wait at the start, there was an outage for others, too: each node then waits up to so many seconds."""
LOOK_EVERY_S = REFRESH_EVERY_S = 60.0
PATIENCE_S = 30.0
"""Seconds that one request may take; then it counts as failed, although the service may still take it."""
MORE_S = 0.1
"""Seconds between steps while there is more to send, so that a request also takes what is put meanwhile."""


class Delivery:
    """Sends one batch at a time. Nothing else may use this Spool object: its stamp shows only what other objects put.

    If the service does not say that it takes the minion's key, it gets only health reports, with the node's token.
    """

    name, every_s = "deliver", 0.5

    def __init__(
        self,
        spool: Spool,
        known: Known,
        signer: Signer,
        refresh: Callable[[], object] = lambda: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._known, self._signer = spool, known, signer
        self._refresh, self._chance = refresh, chance
        self._session = requests.Session()
        self._most, self._failures, self._said = BATCH_EVENTS, 0, ""
        self._not_before = self._refreshed_at = self._looked_at = float("-inf")
        self._is_first = self._is_more = True
        self._stamp: object = None

    def run(self, now_monotonic: float) -> None:
        """Take one step, if it is time to."""
        if now_monotonic < self._not_before or not self._is_due(now_monotonic):
            return
        began, sent = time.monotonic(), 0
        try:
            sent = self._step(now_monotonic)
            pause = sent / PER_S
        except SaltcellarError as error:
            pause = self._pause(error, now_monotonic)
        self._not_before = max(self._not_before, now_monotonic + (time.monotonic() - began if not sent else 0) + pause)

    def wait(self, seconds: float) -> None:
        """Wait until an event is put, at most so many seconds; while there is more to send, only until the next step."""
        if self._is_more:
            time.sleep(MORE_S)
        else:
            self._spool.bell.wait(seconds)

    def stop(self) -> None:
        """Stop listening to the bell."""
        self._spool.bell.close()

    def _is_due(self, now: float) -> bool:
        """Whether there may be something to send; also True once a minute, whatever the stamp says."""
        stamp = self._spool.stamp()
        if self._is_more or stamp != self._stamp or now - self._looked_at >= LOOK_EVERY_S:
            self._stamp, self._looked_at = stamp, now
            return True
        return False

    def _step(self, now: float) -> int:
        """Send a batch and settle what the service answers; returns how many events it had."""
        self._is_more = True
        if self._is_first and self._spool.status()["waiting"] >= BACKLOG:
            self._not_before = now + self._chance() * SPLAY_S
        self._is_first, service = False, self._known().service
        if now < self._not_before or service is None:
            return 0
        is_signed = service.get("auth") == MINION_KEY
        batch = self._spool.batch(self._most, None if is_signed else health.EVENT_TYPE)
        if not batch.events:
            self._is_more = False
            return 0
        door = Door(service, self._session)
        try:
            self._settle(batch, self._sent(door, batch, is_signed))
        except Invalid as error:
            self._isolate(batch, error)
        return len(batch.events)

    def _sent(self, door: Door, batch: Batch, is_signed: bool) -> Answer:
        told = [one.event(self._signer.node) for one in batch.events]
        sign = partial(self._signer.token, epoch=batch.epoch, number=batch.number)
        return Answer.read(door.events(told, PATIENCE_S, sign if is_signed else None))

    def _settle(self, batch: Batch, answer: Answer) -> None:
        places = {
            submission.event_id(self._signer.node, one.epoch, one.sequence): Place(one.epoch, one.sequence)
            for one in batch.events
        }
        taken = [place for id, place in places.items() if id in answer.accepted]
        refused = {place: answer.refused[id] for id, place in places.items() if id in answer.refused}
        if not taken and not refused:
            raise Failed("The service stored none of the events and refused none.")
        self._spool.settle(taken, refused)
        if refused:
            log.warning("deliver: the service refused %d events for good (spool.dead tells why)", len(refused))
        if self._failures:
            log.info("deliver: the service takes events again")
        self._failures, self._said, self._most = 0, "", min(2 * self._most, BATCH_EVENTS)

    def _isolate(self, batch: Batch, error: Invalid) -> None:
        """After a whole request is refused: halve the batch until the event that the service can't take stands alone."""
        if len(batch.events) > 1:
            self._most = len(batch.events) // 2
            return
        one = batch.events[0]
        log.warning("deliver: the event %s/%s is set aside. %s", one.epoch, one.sequence, error.sentence)
        self._spool.settle([], {Place(one.epoch, one.sequence): error.sentence})

    def _pause(self, error: SaltcellarError, now: float) -> float:
        """Seconds to wait: random, up to a limit that doubles each time (full jitter), plus what the service asks for."""
        self._session.close()
        if error.sentence != self._said:
            log.warning("deliver: events are waiting. %s", error.sentence)
            self._said = error.sentence
        if isinstance(error, Unauthenticated) and now - self._refreshed_at >= REFRESH_EVERY_S:
            self._refreshed_at = now
            self._refresh()
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures, 10))
        self._failures += 1
        asked = min(error.retry_after_s or 0, LONGEST_ASKED_S) if not isinstance(error, Unauthenticated) else 0
        return asked + self._chance() * longest
