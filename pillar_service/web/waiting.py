"""Long polls: wait for something in the database, cheaply, and end when the server stops."""

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
"""How often the database is asked whether anything changed; what any process commits is seen within this time."""

LOOK_EVERY_S = 1.0
"""How often is looked though nothing changed: some things come true by the time alone."""

is_stopping: Callable[[], bool] = lambda: False  # noqa: E731  (a worker puts its own in place)


def asker_is_gone() -> bool:
    """Whether the other end has closed the connection: what a master that was killed still asks for is nobody's."""
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
"""Each wait holds a thread; those of whom there may be many leave half of them."""


def with_others(look: Callable[[], Found], seconds: float) -> Found:
    """As ``until``, for those of whom there may be many: where too many wait, they are answered at once, and ask again."""
    with slots.taken() as may:
        return _until(look, seconds if may else 0)


def until(look: Callable[[], Found], seconds: float) -> Found:
    """What ``look`` finds, as soon as it is true, or what it finds last after that many seconds.

    ``look`` is one or two indexed queries outside any transaction, so that a waiting request holds nothing. Where the
    database says that nothing was committed since, they are spared.
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
    """Until anybody has committed anything, or may have; at most so long."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0 and not is_stopping():
        time.sleep(min(EVERY_S, left))
        if revision is None or storage.revision() != revision:
            return
