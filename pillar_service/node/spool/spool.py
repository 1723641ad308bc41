"""The spool itself, which everything on the node calls to tell the service something."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pillar_service.core.errors import Failed, Full, Invalid, SaltcellarError
from pillar_service.core.events import gaps, submission
from pillar_service.core.events.submission import Priority, Submission
from pillar_service.node import clock
from pillar_service.node.clock import Moment
from pillar_service.node.paths import Home
from pillar_service.node.spool import epochs, file, ledger, losses
from pillar_service.node.spool.bell import Bell
from pillar_service.node.spool.ledger import Bounds, Draft, Place

Done = TypeVar("Done")

SWEEP_S = 60.0
DEEPEST = 64
"""How deep an event may be nested. Python reads JSON about 1,000 levels deep, less the depth of its own call stack; an event
that could be put but not read again would hold up all others."""
FORKED = "This process was forked from one that has the spool open: nothing was stored. Close the spool before forking."
NO_ROOM = (
    "The spool is full of events that matter as much: nothing was stored. Try again once the service has taken some."
)


@dataclass(frozen=True)
class Batch:
    """The events to send next; ``epoch`` and ``number`` identify the request."""

    epoch: int
    number: int
    events: list[Submission]


class Spool:
    """The spool of a node. Each process may have several such objects, and threads may share one.

    Close it before forking a process that goes on running Python: SQLite's locks do not survive a fork.
    """

    def __init__(self, home: Home, bounds: Bounds | None = None, now: Callable[[], Moment] = clock.now) -> None:
        self.path: Path = home.state / "spool.db"
        self.bell = Bell(home.state / "spool.bell")
        self.bounds, self.now = bounds or Bounds(), now
        self.refused = 0
        """How many events were refused since this object last wrote to the file."""
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._which: tuple[int, int] | None = None
        self._process = 0
        self._swept_at = float("-inf")

    def put(
        self, type: str, subject: str, data: Any, *, stream: str = "", priority: Priority = Priority.NORMAL
    ) -> Place:
        """Keep an event until the service has it; it is on disk when this returns. The default stream depends on its priority.

        Raises Invalid for a malformed event, and Full if there is no room or the disk is full or can't be written to. Then
        nothing was taken.
        """
        draft = _draft(type, subject, data, stream, priority)
        with self._lock:
            try:
                with self._writing() as at:
                    file.keep_reserve(self.path)
                    if not ledger.is_room(at, draft, self.bounds):
                        raise Full(NO_ROOM)
                    place = ledger.put(at, draft, self.now())
            except Full:
                self.refused += 1
                raise
        self.bell.ring()
        return place

    def batch(self, most: int = submission.BATCH_EVENTS, only: str | None = None) -> Batch:
        """The events to send next, of the type ``only`` or (None) of all types; noted losses become events first.

        Raises Full if it can't be written down that they are being sent.
        """
        return self._even_if_full(lambda: self._batch(most, only))

    def _batch(self, most: int, only: str | None) -> Batch:
        with self._writing() as at:
            moment = self.now()
            if moment.mono - self._swept_at >= SWEEP_S:
                ledger.forget_old(at, moment, self.bounds)
                self._swept_at = moment.mono
            self._tell_losses(at, moment)
            rows = ledger.batch(at, most, only)
            if rows:
                at.execute("UPDATE life SET requests = requests + 1")
            epoch, number = at.execute("SELECT epoch, requests FROM life").fetchone()
            return Batch(epoch, number, list(_read(at, rows)))

    def settle(self, taken: Iterable[Place], refused: Mapping[Place, str]) -> None:
        """Delete the events that the service has committed, and keep apart those that it refuses for good. Raises Full."""
        self._even_if_full(lambda: self._settle(list(taken), refused))

    def _settle(self, taken: list[Place], refused: Mapping[Place, str]) -> None:
        with self._writing() as at:
            for place, why in refused.items():
                losses.bury(at, place.n, why)
            for place in [*taken, *refused]:
                ledger.forget(at, place.n)
            if is_short := not file.has_reserve(self.path):
                at.execute(f"PRAGMA incremental_vacuum({file.CHECKPOINT_PAGES})").fetchall()
        if is_short:
            self._tidy()

    def retry(self) -> int:
        """Put refused events again as new ones, as far as there is room; returns how many. Raises Full."""
        with self._writing() as at:
            count = 0
            for one in losses.dead(at):
                draft = Draft(one["type"], one["subject"], _json(one["data"]), one["stream"], one["priority"])
                if not ledger.is_room(at, draft, self.bounds):
                    break
                ledger.put(at, draft, self.now())
                at.execute("DELETE FROM dead WHERE n = ?", (Place(one["epoch"], one["sequence"]).n,))
                count += 1
        self.bell.ring()
        return count

    def dead(self) -> list[dict[str, Any]]:
        """The events that the service refused for good, oldest first. Raises Full."""
        with self._writing() as at:
            return losses.dead(at)

    def status(self) -> dict[str, Any]:
        """How many events wait in each stream, their bytes, and counts of losses, dead events and refusals. Raises Full."""
        with self._writing() as at:
            told = "SELECT stream, count(*), min(at) FROM event GROUP BY stream ORDER BY stream"
            streams = {name: {"waiting": count, "oldest_at": oldest} for name, count, oldest in at.execute(told)}
            epoch, used, refused = at.execute("SELECT epoch, bytes, refused FROM life").fetchone()
            return {
                "epoch": epoch,
                "waiting": sum(one["waiting"] for one in streams.values()),
                "oldest_at": min((one["oldest_at"] for one in streams.values()), default=None),
                "streams": streams,
                "bytes": used,
                "most_bytes": self.bounds.bytes,
                "lost_untold": at.execute("SELECT coalesce(sum(count), 0) FROM gap").fetchone()[0],
                "dead": at.execute("SELECT count(*) FROM dead").fetchone()[0],
                "refused": refused,
            }

    def stamp(self) -> object:
        """A value that differs after another Spool object has changed the file; cheap to ask for."""
        with self._lock:
            if self._connection is None or file.identity(self.path) != self._which:
                return object()
            try:
                return self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                return object()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()  # rolls back what is not committed
                self._connection = None

    def _tell_losses(self, at: sqlite3.Connection, now: Moment) -> None:
        """Turn noted losses into events, unless earlier ones still wait: until then, losses go on adding up."""
        told = "SELECT 1 FROM event WHERE stream = ? AND type = ? LIMIT 1"
        if at.execute(told, (gaps.STREAM, submission.GAP)).fetchone():
            return
        for gap in losses.taken(at):
            ledger.put(at, Draft(submission.GAP, gap.stream, _json(gap.data()), gaps.STREAM, Priority.VITAL), now)

    def _even_if_full(self, what: Callable[[], Done]) -> Done:
        """Do something that frees room; if the disk is full, free the reserve and do it again."""
        try:
            return what()
        except Full:
            if not file.free_reserve(self.path):
                raise
        self._tidy()
        return what()

    def _tidy(self) -> None:
        """Return to the disk the room that the file does not need."""
        with self._lock, suppress(sqlite3.Error, OSError):
            self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when it ends; raises Full if it can't be written."""
        with self._lock:
            if self._connection is not None and self._process != os.getpid():
                raise Failed(FORKED)
            try:
                at = self._opened()
                at.execute("BEGIN IMMEDIATE")
                epochs.renew(at, self.path, self.now())
                if self.refused:
                    at.execute("UPDATE life SET refused = refused + ?", (self.refused,))
                yield at
                at.execute("COMMIT")
                self.refused = 0
            except sqlite3.Error as error:
                raise self._failed(error) from error
            except SaltcellarError:
                at.execute("ROLLBACK")
                raise
            except OSError as error:
                self.close()
                raise Full(f"The spool can't be written to ({error.strerror}): nothing was stored.") from error
            except BaseException:
                self.close()
                raise

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and file.identity(self.path) != self._which:
            self.close()  # another process set the file aside
        if self._connection is None:
            self._connection, self._which, lost = file.opened(self.path, self.now())
            self._process = os.getpid()
            if lost is not None:
                losses.note(self._connection, lost, gaps.STREAM, Priority.VITAL, gaps.Reason.BROKEN, 0)
        return self._connection

    def _failed(self, error: sqlite3.Error) -> Full:
        self.close()
        if file.is_broken(error):
            file.set_aside(self.path, self._which)
            return Full("The spool's file was broken and has been set aside: nothing was stored. Try again.")
        return Full(f"The spool can't be written to ({error}): nothing was stored. Free some space on its disk.")


def _draft(type: str, subject: str, data: Any, stream: str, priority: Priority) -> Draft:
    told = _json(data)
    if (size := len(told.encode())) > submission.LARGEST:
        raise Invalid(f"An event may have at most {submission.LARGEST >> 10} KiB of data; this one has {size >> 10}.")
    return Draft(
        submission.event_type(str(type)),
        submission.subject(subject),
        told,
        submission.stream(stream or f"default-{int(priority)}"),
        submission.priority(priority),
    )


def _json(data: Any) -> str:
    if _is_deeper(data, DEEPEST):
        raise Invalid(f"An event's data may be nested at most {DEEPEST} deep: flatten it, or send it as text.")
    try:
        told = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid(f"An event's data must be expressible as JSON ({error}).") from error
    # A lone surrogate can't be encoded, and would spoil the batch that it is in.
    return told.encode("utf-8", "replace").decode()


def _is_deeper(data: Any, most: int) -> bool:
    """Whether lists and objects are nested more than ``most`` deep."""
    here = [data]
    for _ in range(most + 1):
        here = [one for one in here if isinstance(one, dict | list | tuple) and one]
        here = [inner for one in here for inner in (one.values() if isinstance(one, dict) else one)]
    return bool(here)


def _read(at: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> Iterator[Submission]:
    """The events in these rows. An unreadable one (after a disk fault) is dropped, so that it does not hold up the others."""
    for row in rows:
        try:
            yield _submission(row)
        except (ValueError, RecursionError):
            ledger.let_go(at, [row], gaps.Reason.BROKEN)


def _submission(row: tuple[Any, ...]) -> Submission:
    n, stream, priority, type, subject, data, _, at, mono, boot, synced = row
    place = Place.of(n)
    return Submission(*place, type, subject, stream, Priority(priority), at, mono, boot, bool(synced), json.loads(data))
