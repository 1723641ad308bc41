"""What a name server says of a host, within a time: `getaddrinfo` knows no limit, and may take half a minute."""

import os
import socket
import threading
from typing import Any

AWAY = "no name server answered in time"

Address = tuple[str, int]


class Lookup(threading.Thread):
    """One question, in a thread of its own that is left alone when nobody waits for it any more."""

    def __init__(self, address: Address) -> None:
        super().__init__(name=f"lookup {address[0]}", daemon=True)
        self._address, self._found = address, list[Any]()
        self._error: Exception | None = None

    def run(self) -> None:
        """Ask; what comes of it is kept."""
        try:
            self._found = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._error = error

    def result(self, seconds: float) -> list[Any]:
        """What came, as getaddrinfo tells it; raises OSError when that was an error, or nothing within so many seconds."""
        self.join(seconds)
        if self.is_alive():
            raise OSError(AWAY)
        if self._error is not None:
            raise OSError(str(self._error)) from self._error
        return self._found


_asked: dict[tuple[int, Address], Lookup] = {}
"""The last question for each address, by process: a thread does not come along into a fork."""


def found(address: Address, seconds: float) -> list[Any]:
    """The addresses of a host; who asks while the same is being asked waits for that answer. Raises OSError."""
    key = (os.getpid(), address)
    lookup = _asked.get(key)
    if lookup is None or not lookup.is_alive():
        lookup = _asked[key] = Lookup(address)
        lookup.start()
    return lookup.result(seconds)
