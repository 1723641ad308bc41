"""The forwarder: a thread of the public app that sends events on to webhooks and other targets, several at a time.

Each process has one; a claim in the target's row keeps two processes from sending the same events.
"""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from pillar_service import __version__
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.events import forwarding
from pillar_service.core.events.submission import MEDIA_TYPE
from pillar_service.usecases.events import deliveries
from pillar_service.usecases.events.deliveries import Delivery
from pillar_service.usecases.service import storage
from pillar_service.web import outbound

EVERY_S = 1.0
AT_ONCE = 16
AGAIN_S = 10.0
"""Seconds until a forwarding is tried again that could not even be claimed, as on a full disk."""

log = logging.getLogger(__name__)


def deliver(id: str, timeout_s: float = forwarding.TIMEOUT_S) -> None:
    """Send the events that are due at one target, and record how that went."""
    delivery = deliveries.take(id)
    if delivery is None:
        return
    try:
        answer = outbound.post(delivery.url, _headers(delivery), delivery.body, timeout_s)
    except SaltcellarError as error:
        deliveries.failed(delivery, error.sentence)
        return
    if 200 <= answer.status < 300:
        deliveries.sent(delivery)
    else:
        deliveries.failed(delivery, _said(answer), answer.retry_after_s, answer.status == HTTPStatus.GONE)


def _headers(delivery: Delivery) -> dict[str, str]:
    signed = forwarding.headers(delivery.secret, delivery.message, int(time.time()), delivery.body)
    return {"Content-Type": MEDIA_TYPE, "User-Agent": f"Saltcellar/{__version__}", "Connection": "close", **signed}


def _said(answer: outbound.Answer) -> str:
    if 300 <= answer.status < 400:
        return f"It answered {answer.status}, a redirect: redirects are not followed."
    reason = answer.reason if answer.reason.isprintable() else ""
    return f"It answered {answer.status} {reason}".rstrip() + "."


class Forwarder:
    """Sends what is due until it is stopped."""

    def __init__(self, at_once: int = AT_ONCE, timeout_s: float = forwarding.TIMEOUT_S) -> None:
        self.at_once, self.timeout_s = at_once, timeout_s
        self.pool = ThreadPoolExecutor(at_once, "forwarding")
        self.over, self.woken = threading.Event(), threading.Event()
        self.busy: set[str] = set()

    def step(self) -> int:
        """Begin to send to targets where something is due; returns how many."""
        free = self.at_once - len(self.busy)
        chosen = [id for id in deliveries.due(self.at_once) if id not in self.busy][:free] if free > 0 else []
        for id in chosen:
            self.busy.add(id)
            self.pool.submit(self._work, id)
        return len(chosen)

    def _work(self, id: str) -> None:
        try:
            deliver(id, self.timeout_s)
        except Exception:
            log.exception("The forwarding %s can't be worked on; trying again in %g s.", id, AGAIN_S)
            storage.release()
            self.over.wait(AGAIN_S)  # it counts as busy until then
        finally:
            storage.release()
            self.busy.discard(id)
            self.woken.set()

    def run(self) -> None:
        """Send what is due until `stop` is called."""
        while not self.over.is_set():
            try:
                self.step()
            except Exception:
                log.exception("Can't look up what is to be forwarded; trying again in %g s.", EVERY_S)
                storage.release()
                self.over.wait(EVERY_S)
            self.woken.wait(EVERY_S)
            self.woken.clear()

    def stop(self) -> None:
        """Stop. What is being sent and does not arrive is sent again later with the same id."""
        self.over.set()
        self.woken.set()
        self.pool.shutdown(wait=False, cancel_futures=True)


def start() -> Forwarder:
    """Start the thread."""
    made = Forwarder()
    threading.Thread(target=made.run, name="forwarding", daemon=True).start()
    return made
