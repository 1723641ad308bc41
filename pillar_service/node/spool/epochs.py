"""The spool's epochs: a new one begins where numbers could be given again, in a new file, after a reboot, or a set back."""

import secrets
import sqlite3
from pathlib import Path

from pillar_service.core.events.submission import MOST_NUMBER
from pillar_service.node import disk
from pillar_service.node.clock import Moment

IN_2020 = 1_577_836_800
"""The zero of epochs, in Unix seconds: the seconds since then fit into CloudEvents' integers until 2088."""
JUMP_S, NOTED_S = 60.0, 1.0
"""Seconds by which the clock must have jumped ahead for a new epoch, and by which it must have moved to be noted."""
UNDATED = 1 << 24
"""With a clock that makes no sense, the first epoch is random and below this, and so below any that comes from a clock."""


def begin(at: sqlite3.Connection, path: Path, now: Moment) -> int | None:
    """Begin a new epoch in a new file or after a reboot; returns the epoch of a lost file, or None."""
    at.execute("BEGIN IMMEDIATE")
    row = at.execute("SELECT epoch, boot FROM life").fetchone()
    remembered = _number(_beside(path))
    if row is None or row[1] != now.boot:
        _new(at, path, now, max(remembered, row[0] if row else 0))
        _note_clock(at, now)
    at.execute("COMMIT")
    return remembered if row is None and remembered else None


def renew(at: sqlite3.Connection, path: Path, now: Moment) -> None:
    """Begin a new epoch if the clock has jumped ahead since the last transaction; raises OSError if the disk is full.

    So a virtual machine that was set back together with its memory, which sees no reboot, gives no number again that it
    gave before, once its clock is set right.
    """
    row = at.execute("SELECT ahead FROM clock").fetchone()
    ahead = _ahead(now) - row[0] if row else None
    if ahead is None or abs(ahead) > NOTED_S:
        _note_clock(at, now)
    if ahead is not None and ahead > JUMP_S:
        _new(at, path, now, max(_number(_beside(path)), at.execute("SELECT epoch FROM life").fetchone()[0]))


def _ahead(now: Moment) -> float:
    return now.at - now.mono


def _note_clock(at: sqlite3.Connection, now: Moment) -> None:
    ahead = _ahead(now)
    at.execute("INSERT INTO clock VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET ahead = ?", (ahead, ahead))


def _new(at: sqlite3.Connection, path: Path, now: Moment, before: int) -> None:
    """Begin an epoch above all earlier ones, of which ``before`` is the last.

    It is also written beside the file before it is used, so that no number is used twice if the file is lost.
    """
    dated = min(int(now.at) - IN_2020, MOST_NUMBER // 2)
    epoch = max(before + 1, dated, 0 if before else 1 + secrets.randbelow(UNDATED))
    disk.write_atomically(_beside(path), str(epoch).encode())
    disk.sync_folder(path.parent)
    at.execute(
        "INSERT INTO life VALUES (1, ?, 0, ?, 0, 0, 0) ON CONFLICT (one) DO UPDATE SET epoch = ?, sequence = 0, boot = ?",
        (epoch, now.boot, epoch, now.boot),
    )


def _beside(path: Path) -> Path:
    return path.with_suffix(".epoch")


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0
