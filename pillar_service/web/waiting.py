"""Long polls: wait for something in the database, cheaply, and end when the server stops."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

from flask import request

from pillar_service.core.errors import Unavailable

Found = TypeVar("Found")

EVERY_S = 0.04
"""How often the database is asked; what any process commits is seen within this time."""

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


def until(look: Callable[[], Found], seconds: float) -> Found:
    """What ``look`` finds, as soon as it is true, or what it finds last after that many seconds.

    ``look`` is one or two indexed queries outside any transaction, so that a waiting request holds nothing.
    """
    end = time.monotonic() + seconds
    while True:
        if asker_is_gone():
            raise Unavailable("Who asked is gone.")
        found = look()
        left = end - time.monotonic()
        if found or left <= 0 or is_stopping():
            return found
        time.sleep(min(EVERY_S, left))
