"""Long polls: wait for a change in the database at little cost, and end when the server stops."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

from flask import request

from pillar_service.core.errors import Unavailable
from pillar_service.usecases.service import storage
from pillar_service.web.slots import Slots

Found = TypeVar("Found")

EVERY_S = 0.04
"""How often the database is asked whether anything was committed, in seconds; a change is seen within this time."""

LOOK_EVERY_S = 1.0
"""How often to look though nothing was committed, in seconds: some things become true by time alone."""

is_stopping: Callable[[], bool] = lambda: False  # noqa: E731  (each worker sets its own)


def asker_is_gone() -> bool:
    """Whether the asker has closed the connection: what a killed master asked for must not be given to nobody."""
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ValueError:  # TLS sockets can't be peeked into
        return False
    except OSError:
        return True


slots = Slots(share=2)
"""Long polls of whoever may be many: each holds a thread, and together they leave half of the threads free."""


def with_others(look: Callable[[], Found], seconds: float) -> Found:
    """As ``until``, for askers that may be many: if too many wait already, answer at once; they ask again."""
    with slots.taken() as may:
        return _until(look, seconds if may else 0)


def until(look: Callable[[], Found], seconds: float) -> Found:
    """Call ``look`` until it finds something, at most so many seconds; returns what it found last.

    ``look`` runs one or two indexed queries outside any transaction, so a waiting request locks nothing. While the
    database says that nothing was committed, it is called only once a second. Raises Unavailable if the asker is gone.
    """
    with slots.taken(always=True):
        return _until(look, seconds)


def _until(look: Callable[[], Found], seconds: float) -> Found:
    end = time.monotonic() + seconds
    while True:
        if asker_is_gone():
            raise Unavailable("Who asked is gone.")
        revision = storage.revision()
        found = look()
        left = end - time.monotonic()
        if found or left <= 0 or is_stopping():
            return found
        _rest(revision, min(left, LOOK_EVERY_S))


def _rest(revision: int | None, seconds: float) -> None:
    """Sleep until something was, or may have been, committed; at most so many seconds."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0 and not is_stopping():
        time.sleep(min(EVERY_S, left))
        if revision is None or storage.revision() != revision:
            return
