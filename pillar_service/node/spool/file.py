"""The spool's file: an SQLite database, synced to disk at each commit; a broken file is set aside."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pillar_service.node.clock import Moment
from pillar_service.node.spool import epochs

SCHEMA = """
CREATE TABLE IF NOT EXISTS life (
    one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, boot TEXT NOT NULL,
    bytes INTEGER NOT NULL, refused INTEGER NOT NULL, requests INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS event (
    n INTEGER PRIMARY KEY, stream TEXT NOT NULL, priority INTEGER NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL,
    data TEXT NOT NULL, size INTEGER NOT NULL, at REAL NOT NULL, mono REAL NOT NULL, boot TEXT NOT NULL,
    synced INTEGER NOT NULL, turn INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), ahead REAL NOT NULL);
CREATE INDEX IF NOT EXISTS event_turn ON event (turn, n);
CREATE INDEX IF NOT EXISTS event_priority ON event (priority DESC, n);
CREATE INDEX IF NOT EXISTS event_stream ON event (stream, turn);
CREATE TABLE IF NOT EXISTS gap (
    epoch INTEGER NOT NULL, stream TEXT NOT NULL, priority INTEGER NOT NULL, reason TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (epoch, stream, priority, reason)
);
CREATE TABLE IF NOT EXISTS dead (
    n INTEGER PRIMARY KEY, stream TEXT NOT NULL, priority INTEGER NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL,
    data TEXT NOT NULL, size INTEGER NOT NULL, at REAL NOT NULL, why TEXT NOT NULL
);
"""
BUSY_S = 5.0
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
RESERVE = 2 << 20
"""Bytes reserved beside the file: so delivered events can be deleted even when the disk is full."""
CHECKPOINT_PAGES = 250
"""Pages after which SQLite's write-ahead log is checkpointed: they take half of the reserve."""


Which = tuple[int, int]
"""A file's identity: its device and inode."""


def opened(path: Path, now: Moment) -> tuple[sqlite3.Connection, Which | None, int | None]:
    """A connection to the file (created if missing), the file's identity, and the epoch of a lost predecessor or None.

    A broken file is set aside first. Raises OSError or sqlite3.OperationalError if the disk is full or can't be written to.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(path):
        try:
            return _begun(path, now)
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            _move(path)
            return _begun(path, now)


def _begun(path: Path, now: Moment) -> tuple[sqlite3.Connection, Which | None, int | None]:
    connection = _connected(path)
    try:
        return connection, identity(path), epochs.begin(connection, path, now)
    except BaseException:
        connection.close()
        raise


def identity(path: Path) -> Which | None:
    """The identity of the file at this path; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_broken(error: sqlite3.Error) -> bool:
    """Whether the error means that SQLite can't read the file as a database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN


def set_aside(path: Path, which: Which | None) -> None:
    """Move a broken file aside for inspection (only the newest is kept), unless another process has done so."""
    with _alone(path):
        if identity(path) == which:
            _move(path)


def has_reserve(path: Path) -> bool:
    """Whether the reserve is there."""
    try:
        return path.with_suffix(".reserve").stat().st_size >= RESERVE
    except FileNotFoundError:
        return False


def keep_reserve(path: Path) -> None:
    """Make the reserve, if it is missing; raises OSError if the disk has no room for it."""
    if not has_reserve(path):
        with path.with_suffix(".reserve").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE)


def free_reserve(path: Path) -> bool:
    """Free the reserve for now; returns whether there was one."""
    try:
        had = has_reserve(path)
        os.truncate(path.with_suffix(".reserve"), 0)
    except OSError:
        return False
    return had


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _move(path: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(path.with_name(f"{path.name}.broken{suffix}"))


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA auto_vacuum = incremental")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
