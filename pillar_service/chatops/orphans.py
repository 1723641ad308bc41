"""Orphans: move what a dead process left in its inbox into ours."""

import fcntl
import logging
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from pillar_service.chatops import inbox
from pillar_service.chatops.inbox import Inbox
from pillar_service.core.errors import Unavailable

log = logging.getLogger(__name__)


def adopt(mine: Inbox) -> int:
    """Move what waits in the inboxes of dead processes into this one; returns how many files it took over.

    Entries are on disk here before their old file is deleted. If that is interrupted they are in both, but are still
    processed only once, by their keys.
    """
    files = [file for file in mine.file.parent.glob("inbox-*.sqlite") if file != mine.file]
    return sum(_adopt(mine, file) for file in files)


def _adopt(mine: Inbox, file: Path) -> bool:
    with file.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False  # its process is alive
        try:
            _move(mine, file)
        except (sqlite3.Error, Unavailable) as error:
            log.warning("%s can't be taken over: %s", file.name, error)
            return False
        for left in (*file.parent.glob(f"{file.name}*"), file.with_suffix(".lock")):
            left.unlink(missing_ok=True)
        return True


def _move(mine: Inbox, file: Path) -> None:
    if not file.exists():
        return  # another process was faster
    with closing(inbox.opened(file)) as connection:
        rows = connection.execute(
            "SELECT key, delivery, signature, body, tries FROM delivery WHERE done_at IS NULL"
        ).fetchall()
    told = (
        "INSERT OR IGNORE INTO delivery (key, delivery, signature, body, tries, not_before) VALUES (?, ?, ?, ?, ?, 0)"
    )
    mine.run(lambda own: own.executemany(told, rows)).result(inbox.WAIT_S)
    with suppress(Exception):
        mine.arrived.set()
