"""Looking up a host's addresses within a time limit: `getaddrinfo` has none, and may take half a minute."""

import os
import socket
import threading
from typing import Any

AWAY = "no name server answered in time"

Address = tuple[str, int]


class Lookup(threading.Thread):
    """One lookup, in a thread of its own, which is left to itself when nobody waits for it."""

    def __init__(self, address: Address) -> None:
        super().__init__(name=f"lookup {address[0]}", daemon=True)
        self._address, self._found = address, list[Any]()
        self._error: Exception | None = None

    def run(self) -> None:
        """Looks the address up, and keeps the result or the error."""
        try:
            self._found = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._error = error

    def result(self, seconds: float) -> list[Any]:
        """What getaddrinfo returned; raises OSError when it failed, or did not return within ``seconds``."""
        self.join(seconds)
        if self.is_alive():
            raise OSError(AWAY)
        if self._error is not None:
            raise OSError(str(self._error)) from self._error
        return self._found


_asked: dict[tuple[int, Address], Lookup] = {}
"""The last lookup of each address, by process id: threads don't survive a fork."""


def found(address: Address, seconds: float) -> list[Any]:
    """A host's addresses, as getaddrinfo returns them; waits for a lookup under way rather than starting another.

    Raises OSError when it fails, or takes longer than ``seconds``.
    """
    key = (os.getpid(), address)
    lookup = _asked.get(key)
    if lookup is None or not lookup.is_alive():
        lookup = _asked[key] = Lookup(address)
        lookup.start()
    return lookup.result(seconds)
