"""A disk that is full for a while, as SQLite sees it."""

import sqlite3

from pillar_service.chatops.inbox import Inbox

FULL = """CREATE TEMP TRIGGER full BEFORE INSERT ON main.delivery WHEN is_full()
BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"""


def full(inbox: Inbox, times: int) -> None:
    """Let the next ``times`` deliveries fail to be stored: the inbox's database says that the disk is full."""
    failing = [True] * times

    def fill(writer: sqlite3.Connection) -> None:
        writer.create_function("is_full", 0, lambda: bool(failing) and failing.pop())
        writer.execute(FULL)

    inbox.run(fill).result(5)
