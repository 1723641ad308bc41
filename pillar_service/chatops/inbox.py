"""The inbox: what Slack sent is on disk before it is acked, in a file that belongs to this process.

A delivery is acked once the writer thread has committed it, together with all that arrived in the meantime (group
commit). So an ack waits for one sync of the disk and for nothing else, neither the service's database nor Slack. Bodies
are sealed, as they may hold a secret argument or a code. What a process leaves behind is taken over by another
(`orphans.py`).
"""

import fcntl
import os
import queue
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pillar_service.chatops import sealed
from pillar_service.chatops.deliveries import Delivery, Payload
from pillar_service.core.durations import AHEAD_S
from pillar_service.core.errors import Unavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, delivery TEXT NOT NULL, signature TEXT NOT NULL, body TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL, done_at REAL
);
CREATE INDEX IF NOT EXISTS delivery_signature ON delivery (signature);
CREATE INDEX IF NOT EXISTS delivery_open ON delivery (n) WHERE done_at IS NULL;
"""
KEPT_S = 3_600.0
"""How long processed deliveries are remembered, in seconds, without bodies; redeliveries end after five minutes."""

WAIT_S = 2.5
"""How long an ack waits for the disk: Slack waits three seconds (docs.slack.dev, Events API)."""

QUIET_S = 0.005
"""After so many seconds without a delivery or an ack there is time for other work; even a single delivery waits so long."""

MOST_TOGETHER = 500
AWAY = "The delivery could not be saved: send it again."

NEXT = """SELECT n, key, delivery, body, tries FROM delivery
WHERE done_at IS NULL AND (not_before <= ? OR not_before > ?) ORDER BY n LIMIT 1"""

Work = Callable[[sqlite3.Connection], Any]


class Kept(StrEnum):
    """What became of a delivery."""

    NEW = "new"
    AGAIN = "again"
    REPLAYED = "replayed"
    """The very same request again, which Slack does not call a redelivery: somebody else sent it."""


@dataclass(frozen=True)
class Entry:
    """A delivery that waits to be processed; ``tries`` is how often that has failed."""

    n: int
    key: str
    delivery: str
    payload: Payload
    tries: int


class Inbox:
    """One process's inbox. Make it after a fork, as its lock and threads belong to one process; close it at the end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file = folder / f"inbox-{os.getpid()}-{secrets.token_hex(4)}.sqlite"
        self.arrived = threading.Event()
        self._lock = self.file.with_suffix(".lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.file.touch(mode=0o600)
        self._work: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._reader = opened(self.file)
        self._reading = threading.Lock()
        self._kept_at = 0.0
        self._others = Others(self.file)
        self._thread = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._thread.start()

    def keep(self, delivery: Delivery, wait_s: float = WAIT_S) -> Kept:
        """Keep a delivery: it is on disk when this returns. Raises Unavailable if the disk is too slow."""
        self._kept_at = time.monotonic()
        body = sealed.seal(delivery.key, delivery.payload)
        kept: Kept = self.run(lambda connection: self._insert(connection, delivery, body)).result(wait_s)
        self._kept_at = time.monotonic()
        if kept is Kept.NEW:
            self.arrived.set()
        return kept

    def _insert(self, connection: sqlite3.Connection, delivery: Delivery, body: str) -> Kept:
        if delivery.signature and not delivery.is_again and self._is_replayed(connection, delivery.signature):
            return Kept.REPLAYED
        values = (delivery.key, secrets.token_hex(8), delivery.signature, body, time.time())
        told = "INSERT OR IGNORE INTO delivery (key, delivery, signature, body, not_before) VALUES (?, ?, ?, ?, ?)"
        return Kept.NEW if connection.execute(told, values).rowcount == 1 else Kept.AGAIN

    def _is_replayed(self, connection: sqlite3.Connection, signature: str) -> bool:
        return any(_has(one, signature) for one in (connection, *self._others.connections()))

    def wait_until_quiet(self, most_s: float) -> None:
        """Wait until nothing has arrived for some milliseconds, but at most ``most_s`` seconds: acks come before work."""
        ends = time.monotonic() + most_s
        while (now := time.monotonic()) < ends and (left := self._kept_at + QUIET_S - now) > 0:
            time.sleep(left)

    def next(self) -> Entry | None:
        """The oldest entry that is due; None if there is none. Entries that can't be opened are dropped."""
        while True:
            now = time.time()
            with self._reading:
                row = self._reader.execute(NEXT, (now, now + AHEAD_S)).fetchone()
            if row is None:
                return None
            payload = sealed.opened(row[1], row[3])
            if payload is not None:
                return Entry(row[0], row[1], row[2], payload, row[4])
            self.done(row[0])

    def done(self, n: int) -> None:
        """Note that an entry was processed, and delete its body."""
        told = "UPDATE delivery SET done_at = ?, body = '' WHERE n = ?"
        self.run(lambda connection: connection.execute(told, (time.time(), n))).result(WAIT_S)

    def later(self, n: int, pause_s: float, has_failed: bool = False) -> None:
        """Note that an entry could not be processed: try again in ``pause_s`` seconds. ``has_failed`` counts this as a try."""
        told = "UPDATE delivery SET tries = tries + ?, not_before = ? WHERE n = ?"
        values = (int(has_failed), time.time() + pause_s, n)
        self.run(lambda connection: connection.execute(told, values)).result(WAIT_S)

    def forget(self) -> None:
        """Delete entries that were processed long ago."""
        told = "DELETE FROM delivery WHERE done_at < ?"
        self.run(lambda connection: connection.execute(told, (time.time() - KEPT_S,))).result(WAIT_S)

    def run(self, work: Work) -> "Answer":
        """Have the writer do some work; the result is there once its transaction is on disk."""
        future: Future[Any] = Future()
        self._work.put((work, future))
        return Answer(future)

    def _write(self) -> None:
        connection = opened(self.file)
        while (first := self._work.get()) is not None:
            batch = [first]
            while len(batch) < MOST_TOGETHER and not self._work.empty():
                if (more := self._work.get()) is None:
                    self._work.put(None)  # stop after this batch
                    break
                batch.append(more)
            _commit(connection, batch)
        connection.close()

    def close(self) -> None:
        """Stop the writer; what still waits stays in the file, for another process."""
        self._work.put(None)
        self._thread.join(WAIT_S)
        self._reader.close()
        self._others.close()
        self._lock.close()


class Answer:
    """What the writer will answer."""

    def __init__(self, future: "Future[Any]") -> None:
        self._future = future

    def result(self, wait_s: float) -> Any:
        """The answer; raises Unavailable if the disk fails or is too slow."""
        try:
            return self._future.result(wait_s)
        except (TookTooLong, sqlite3.Error, OSError) as error:
            raise Unavailable(AWAY) from error


def _commit(connection: sqlite3.Connection, batch: "list[tuple[Work, Future[Any]]]") -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        answers = [work(connection) for work, _ in batch]
        connection.execute("COMMIT")
    except Exception as error:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for _, future in batch:
            future.set_exception(error)
    else:
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)


def opened(file: Path) -> sqlite3.Connection:
    """A connection to an inbox's file, in autocommit mode unless a transaction is begun; raises sqlite3.Error."""
    connection = sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "busy_timeout = 2000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(SCHEMA)
    return connection


def _has(connection: sqlite3.Connection, signature: str) -> bool:
    with suppress(sqlite3.Error):
        return connection.execute("SELECT 1 FROM delivery WHERE signature = ?", (signature,)).fetchone() is not None
    return False


class Others:
    """The inboxes of other processes, to check only whether a signature was taken there. Used by one thread."""

    EVERY_S = 1.0

    def __init__(self, mine: Path) -> None:
        self.mine, self.looked_at, self.known = mine, 0.0, dict[Path, sqlite3.Connection]()

    def connections(self) -> list[sqlite3.Connection]:
        """A connection to each."""
        if time.monotonic() - self.looked_at > self.EVERY_S:
            self.looked_at = time.monotonic()
            self._look()
        return list(self.known.values())

    def _look(self) -> None:
        there = {file for file in self.mine.parent.glob("inbox-*.sqlite") if file != self.mine}
        for gone in set(self.known) - there:
            self.known.pop(gone).close()
        for new in there - set(self.known):
            with suppress(sqlite3.Error):
                self.known[new] = sqlite3.connect(f"{new.as_uri()}?mode=ro", uri=True, check_same_thread=False)

    def close(self) -> None:
        """Close them."""
        for connection in self.known.values():
            connection.close()
