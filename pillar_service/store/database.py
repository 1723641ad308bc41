"""This process's one database: connections, transactions, and what its failures mean."""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import peewee

from pillar_service.core.errors import Conflict, Invalid, SaltcellarError, Unavailable
from pillar_service.store.turns import Turns

BUSY_S = 5
"""How long a writer waits for another, in seconds."""

WRITER_LOCK = 0x5A17CE11
"""The key of PostgreSQL's advisory lock that makes writers queue, as SQLite's do."""

FAULTS = (peewee.PeeweeException,)
"""What a query raises when the database fails; pass it to `explained`."""

log = logging.getLogger(__name__)

db = peewee.DatabaseProxy()

_turns: list[Turns] = []
"""The queue of SQLite's writers; empty for PostgreSQL, which queues its writers itself."""


class Table(peewee.Model):
    """Base of every model."""

    class Meta:
        database = db
        legacy_table_names = False


class Unread(str):
    """The text of a JSON value that is not parsed yet."""


class _JsonAccessor(peewee.FieldAccessor):
    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        value = super().__get__(instance, instance_type)  # type: ignore[no-untyped-call]
        if type(value) is Unread:
            value = instance.__data__[self.name] = json.loads(value)
        return value


class JsonField(peewee.TextField):
    """A JSON value stored as text: PostgreSQL's own JSONB refuses what a stranger may send (an escaped NUL)."""

    accessor_class = _JsonAccessor

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)


def connect(url: str) -> None:
    """Set the database that this process uses. Each thread connects at its first query.

    ``url`` is ``sqlite:///relative``, ``sqlite:////absolute/path`` or ``postgresql://user@host/name``. Raises Invalid for
    anything else.
    """
    if db.obj is not None:
        release()
    db.initialize(_database(url))
    _line_up()


def _database(url: str) -> peewee.Database:
    if url.startswith("sqlite:///") and url != "sqlite:///":
        # A small cache (KiB): each of many threads has its own, and the kernel caches the file anyway.
        pragmas = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "cache_size": -512}
        # Samples write the same pages repeatedly: with 16 MiB of log (not 4), each page is copied and synced less often.
        pragmas["wal_autocheckpoint"] = 4000
        path = url.removeprefix("sqlite:///")
        return peewee.SqliteDatabase(path, pragmas=pragmas, lock_type="IMMEDIATE", timeout=BUSY_S)
    if url.startswith("postgresql://"):
        options = f"-c lock_timeout={BUSY_S}s -c statement_timeout={4 * BUSY_S}s"
        return peewee.PostgresqlDatabase(url, prefer_psycopg3=True, connect_timeout=BUSY_S, options=options)
    raise Invalid("CELLAR_DATABASE must be sqlite:////absolute/path or postgresql://user@host/name.")


@contextmanager
def beside(url: str) -> Iterator[Any]:
    """A second database beside this process's own, closed at the end of the block. Only ``execute_sql`` works on it.

    Raises as `explained` says.
    """
    other = _database(url)
    try:
        yield other
    except FAULTS as error:
        raise explained(error) from error
    finally:
        other.close()


def on_sqlite() -> bool:
    """Whether the database is SQLite."""
    return isinstance(db.obj, peewee.SqliteDatabase)


def revision() -> int | None:
    """A number that changes when another connection commits anything; None on PostgreSQL, which has nothing as cheap.

    Compare it only with numbers from the same thread: it belongs to that thread's connection, whose own commits don't
    change it.
    """
    return int(db.execute_sql("PRAGMA data_version").fetchone()[0]) if on_sqlite() else None


@contextmanager
def transaction() -> Iterator[None]:
    """A transaction: all of the block is written, or nothing. Inside another one it joins that. Raises as `explained` says."""
    if db.in_transaction():
        yield
        return
    try:
        _ready()
        _later.calls = []
        with _turns[-1].turn(BUSY_S) if _turns else nullcontext(), db.atomic():
            _queue_for_writing()
            yield
    except FAULTS as error:
        release()
        raise explained(error) from error
    for call in _later.calls:
        call()


@contextmanager
def attempt() -> Iterator[None]:
    """Part of the caller's transaction: if it raises, nothing of the block is written, and the transaction can go on.

    Raises as `explained` says, and whatever the block raises.
    """
    before = len(_later.__dict__.setdefault("calls", []))
    try:
        with db.atomic():
            yield
    except BaseException as error:
        del _later.calls[before:]
        if isinstance(error, FAULTS):
            raise explained(error) from error
        raise


_later = threading.local()


def after_commit(call: Callable[[], None]) -> None:
    """Call ``call`` after this thread's transaction commits (never if it does not), or at once outside a transaction."""
    if db.in_transaction():
        _later.__dict__.setdefault("calls", []).append(call)
    else:
        call()


def in_transaction() -> bool:
    """Whether this thread is inside a transaction."""
    return bool(db.in_transaction())


def _ready() -> None:
    # A connection closed by a server restart is noticed only when it is used: try it first, and renew it if it fails.
    if on_sqlite() or db.is_closed():
        return
    try:
        db.execute_sql("SELECT 1")
    except FAULTS:
        release()


def _queue_for_writing() -> None:
    if not on_sqlite():
        db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))


def release() -> None:
    """Close this thread's connection; the next query opens a new one."""
    with suppress(*FAULTS):
        if db.in_transaction():
            db.rollback()
            db.obj.dispose()
        db.close()


def _line_up() -> None:
    _turns[:] = [Turns(db.obj.database)] if on_sqlite() else []


def _forget_after_fork() -> None:
    if db.obj is not None:
        db.obj.dispose()
        _line_up()  # what was inherited is the parent's place in the queue


os.register_at_fork(after_in_child=_forget_after_fork)


def explained(error: Exception) -> SaltcellarError:
    """The error to raise for a database failure, with a sentence that says what to do."""
    raw = " ".join(str(one).lower() for one in _behind(error))
    log.warning("The database said: %s", error, exc_info=error)
    if isinstance(error, peewee.IntegrityError):
        return Conflict("Somebody else changed the same thing at the same moment: look again, then try again.")
    if isinstance(error, peewee.DataError):
        return Invalid("It holds a value that can't be kept, such as a NUL character: leave that out.")
    if "full" in raw or "no space" in raw or "disk i/o" in raw:
        return Unavailable("The service's disk is full: nothing was changed. Free some space on it, then try again.")
    if "locked" in raw or "lock timeout" in raw or "deadlock" in raw or "busy" in raw:
        return Unavailable("The service's database is busy: nothing was changed. Try again in a few seconds.")
    if "no such table" in raw or "does not exist" in raw:
        return Unavailable("The service's database has no tables yet: run `python -m pillar_service.web migrate`.")
    return Unavailable("The service's database does not answer: nothing was changed. Try again in a minute.")


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    # SQLite rolls back by itself when the disk is full; the second rollback then fails, and its error hides the cause.
    while error is not None:
        yield error
        error = error.__context__
