"""Deliveries: work through the queue of each forwarding. Whoever claims a forwarding works on it alone, in order.

The queue is a position in the table of events. A batch that was claimed and never settled is sent again, unchanged and
with the same id. Mails and chat messages are put into their outbox in the transaction that moves the position, so
exactly once.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pillar_service.core.events import forwarding
from pillar_service.core.events.forwarding import ForwardingState, Way
from pillar_service.store.database import transaction
from pillar_service.store.events import events
from pillar_service.store.events import forwardings as rows
from pillar_service.store.events.forwardings import Forwarding
from pillar_service.usecases.events import forwarded, readers
from pillar_service.usecases.events.forwarded import Batch
from pillar_service.usecases.service import auditing, sealing

SEALED = "forwarding"
NO_SECRET = "Its secret can't be read any more (CELLAR_SECRET_KEY has changed): remove it, and make another."  # noqa: S105


@dataclass(frozen=True)
class Delivery:
    """A batch that we have claimed and must send; ``claim`` is the number of the claim."""

    forwarding: str
    claim: int
    url: str
    secret: str
    message: str
    body: bytes
    batch: Batch


def due(limit: int) -> list[str]:
    """The ids of forwardings that have something to send now."""
    return rows.due(time.time(), forwarding.AT_ONCE, limit)


def take(id: str) -> Delivery | None:
    """Claim a forwarding for a minute; returns what to send to its webhook, or None.

    None means that somebody else has claimed it or that no event matches. Mails and chat messages are handed over at
    once.
    """
    now = time.time()
    with transaction():
        one = rows.find(id)
        if one is None or not rows.claim(one, now):
            return None
        one.claim += 1
        batch = forwarded.batch(one)
        if not batch.events and not batch.lost and batch.test is None:
            rows.settle(id, one.claim, cursor=batch.end, batch_end=None)
            return None
        if one.way != Way.WEBHOOK:
            _hand_over(one, batch, now)
            return None
        return _prepared(one, batch, now)


def _prepared(one: Forwarding, batch: Batch, now: float) -> Delivery | None:
    secret = sealing.opened(SEALED, one.id, one.secret or "")
    if secret is None:
        _give_up(one, NO_SECRET, now)
        return None
    if batch.test is None:
        rows.change(one.id, batch_end=batch.end)
    body = forwarded.body(one, batch)
    return Delivery(one.id, one.claim, one.address, secret, forwarding.message_id(one.id, body), body, batch)


def _hand_over(one: Forwarding, batch: Batch, now: float) -> None:
    if readers.tell(one, batch, now):
        _done(one, batch, now, forwarding.LETTERS_EVERY_S)
    else:
        _give_up(one, readers.NOBODY, now)


def sent(delivery: Delivery) -> None:
    """The delivery was accepted: move on to the events after it."""
    with transaction():
        if (one := _held(delivery)) is not None:
            _done(one, delivery.batch, time.time())


def _done(one: Forwarding, batch: Batch, now: float, pause_s: float = 0.0) -> None:
    well = {"failures": 0, "failing_since": None, "error": None, "not_before": now + pause_s, "sent_at": now}
    if batch.test is not None:
        rows.settle(one.id, one.claim, test=None, **well)
        return
    lost = max(one.lost - batch.lost, 0)
    gap = {"lost": lost} | ({} if lost else {"lost_first": None, "lost_last": None})
    rows.settle(one.id, one.claim, cursor=batch.end, batch_end=None, sent=one.sent + batch.count, **gap, **well)


def failed(delivery: Delivery, why: str, asked_s: float | None = None, is_gone: bool = False) -> None:
    """The delivery failed: try again later, not before ``asked_s`` seconds if given.

    The forwarding is switched off at once if ``is_gone``, else after three days of failures.
    """
    now = time.time()
    with transaction():
        one = _held(delivery)
        if one is None:
            return
        since = one.failing_since or now
        pause = forwarding.pause_s(one.failures + 1, random.random(), asked_s)  # noqa: S311 - no secret
        told = {"failures": one.failures + 1, "failing_since": since, "error": why[:500], "test": None}
        rows.settle(one.id, one.claim, not_before=now + pause, **told)
        if one.state == ForwardingState.ON and (is_gone or forwarding.is_hopeless(since, now)):
            _give_up(one, why, now)


def _held(delivery: Delivery) -> Forwarding | None:
    one = rows.find(delivery.forwarding)
    return one if one is not None and one.claim == delivery.claim else None


def _give_up(one: Forwarding, why: str, now: float) -> None:
    rows.settle(one.id, one.claim, state=str(ForwardingState.FAILED), error=why[:500], test=None)
    auditing.record("service", "forwardings.give_up", readers.subject(one.account), now, f"{one.id}: {why}")
    readers.warn(one, why[:500], now)


def lose(old: Sequence[int]) -> None:
    """Count events that retention is about to forget as lost to forwardings that had yet to send them.

    In the caller's transaction.
    """
    for one in rows.behind(max(old)) if old else ():
        if lost := events.fitting(forwarded.which(one), old):
            first = min(one.lost_first or lost[0], lost[0])
            last = max(one.lost_last or lost[-1], lost[-1])
            rows.change(one.id, lost=one.lost + len(lost), lost_first=first, lost_last=last)
