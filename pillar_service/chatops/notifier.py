"""The notifier: sends the outbox to Slack, from one process only; in order within a thread, otherwise in parallel."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from slack_sdk import WebClient

from pillar_service.chatops import speaking, wire
from pillar_service.chatops.buckets import Buckets
from pillar_service.chatops.wire import Limited, Lost, NotSent, Refused
from pillar_service.core.errors import SaltcellarError
from pillar_service.usecases.chat import sending
from pillar_service.usecases.chat.sending import Item
from pillar_service.usecases.service import storage

AT_ONCE = 8
LOOKED_AT = 200
EVERY_S = 0.1
FORGET_EVERY_S = 600.0

log = logging.getLogger(__name__)


class Notifier:
    """Sends what is due until it is stopped. Only the one that holds the lease sends; others wait for the lease."""

    def __init__(self, client: WebClient, buckets: Buckets | None = None) -> None:
        self.client, self.buckets = client, buckets or Buckets()
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self.over, self.woken = threading.Event(), threading.Event()
        self.busy: set[str] = set()
        self.guard = threading.Lock()
        self.pool = ThreadPoolExecutor(AT_ONCE, "speaking")
        self.thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._forgot = 0.0

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def stop(self) -> None:
        """Stop it after what it is sending now."""
        self.over.set()
        self.woken.set()
        if self.thread.is_alive():
            self.thread.join(15)
        self.pool.shutdown()

    def _run(self) -> None:
        while not self.over.is_set():
            try:
                is_more = self.step() > 0
            except Exception as error:
                log.warning("The outbox can't be processed; trying again in a second: %s", error)
                storage.release()
                self.over.wait(1.0)
                continue
            if not is_more:
                self.woken.wait(EVERY_S)
                self.woken.clear()
        storage.release()

    def step(self) -> int:
        """Start sending what is due and allowed; returns how many entries that is."""
        if not sending.leads(self.holder):
            return 0
        self._forget()
        with self.guard:
            busy = set(self.busy)
        free = AT_ONCE - len(busy)
        heads = sending.heads(LOOKED_AT, self.buckets.resting(), busy) if free > 0 else []
        chosen: list[Item] = []
        for item in heads:
            if len(chosen) < free and self.buckets.take(item):
                chosen.append(item)
        taken = sending.take(self.holder, chosen) if chosen else []
        with self.guard:
            self.busy.update(item.lane for item in taken)
        for item in taken:
            self.pool.submit(self._send, item)
        return len(taken)

    def _forget(self) -> None:
        if time.monotonic() - self._forgot > FORGET_EVERY_S:
            self._forgot = time.monotonic()
            sending.forget()

    def _send(self, item: Item) -> None:
        try:
            if time.time() < item.until - 2 * wire.TIMEOUT_S:  # else we slept, and another process may send it now
                self._settle(item)
        except Exception as error:
            # It stays "being sent"; once the claim has expired it is in doubt, and looked for at Slack.
            log.warning("It is not known whether message %s was sent: %s", item.id, type(error).__name__)
            storage.release()
        finally:
            with self.guard:
                self.busy.discard(item.lane)
            self.woken.set()

    def _settle(self, item: Item) -> None:
        try:
            spoken = speaking.speak(self.client, item)
        except Limited as error:
            self.buckets.rest(item, error.wait_s)
            _kept(partial(sending.failed, item, str(error), is_doubtful=item.is_in_doubt, wait_s=error.wait_s))
        except NotSent as error:
            log.warning("Message %s (%s) was not sent: %s", item.id, item.kind, error)
            doubtful = isinstance(error, Lost) or item.is_in_doubt
            is_no = isinstance(error, Refused)
            _kept(partial(sending.failed, item, str(error), is_permanent=is_no, is_doubtful=doubtful))
        else:
            _kept(partial(sending.sent, item, spoken.message, spoken.channel))


def _kept(work: Callable[[], object]) -> None:
    for pause in (0.1, 0.5, 2.0):
        try:
            work()
            return
        except (SaltcellarError, *storage.FAULTS):
            storage.release()
            time.sleep(pause)
    work()
