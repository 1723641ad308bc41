"""HTTP connections with strict limits of time and size, kept alive, that never follow redirects."""

import http.client
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from pillar_service.core.errors import Invalid, Unavailable
from pillar_service.master import lookup

Remaining = Callable[[], float]
GONE_STALE = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, http.client.CannotSendRequest)
"""How a connection fails that the other side closed while it was idle: worth one retry on a new connection."""


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, headers (whose names are case-insensitive) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class _Reader(io.RawIOBase):
    """Reads a socket until the request's time is up, however slowly the bytes come in."""

    def __init__(self, sock: socket.socket, remaining: Remaining) -> None:
        self._sock, self._remaining = sock, remaining
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Timed:
    """The part of a socket that http.client uses, with each call limited to the rest of the request's time."""

    def __init__(self, sock: socket.socket, remaining: Remaining) -> None:
        self._sock, self._remaining = sock, remaining

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._remaining())
        self._sock.sendall(data)

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._remaining))

    def close(self) -> None:
        self._sock.close()


class _Deadline:
    """Mixin for http.client's connections: ``ends`` is when the current request must be over (monotonic seconds)."""

    ends = 0.0

    def remaining(self) -> float:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connect(self) -> None:
        self._create_connection = self._reached  # http.client's hook for another socket.create_connection
        super().connect()  # type: ignore[misc]
        self.sock: Any = _Timed(self.sock, self.remaining)

    def _reached(self, address: tuple[str, int], *_args: Any) -> socket.socket:
        """A connection to the first of the host's addresses that answers; all addresses share the rest of the time."""
        found = lookup.found(address, self.remaining())
        for tried, (family, kind, protocol, _, where) in enumerate(found, 1):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(self.remaining() / (len(found) - tried + 1))
                sock.connect(where)
                sock.settimeout(self.remaining())  # limits the whole TLS handshake, too
                return sock
            except OSError:
                sock.close()
                if tried == len(found):
                    raise
        raise OSError(f"{address[0]} has no address")


class _Http(_Deadline, http.client.HTTPConnection):
    pass


class _Https(_Deadline, http.client.HTTPSConnection):
    pass


class Wire:
    """Connections to one server, one per thread and process.

    ``timeout`` is the total time of a request in seconds, from connecting to the last byte; ``limit`` is the most bytes of an
    answer.
    """

    def __init__(self, url: str, timeout: float = 10.0, limit: int = 16 * 1024 * 1024) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise Invalid(f"{url!r:.100} is not a service's address: write it as 'http://127.0.0.1:8081'.")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.timeout, self.limit = timeout, limit
        self._parts = parts
        self._local = threading.local()

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | IO[bytes] | None = None,
        timeout: float | None = None,
        into: IO[bytes] | None = None,
    ) -> Answer:
        """Sends one request and returns the complete answer; the body of a 200 goes ``into`` a file if one is given.

        ``timeout`` overrides the Wire's own. Raises Unavailable, with the address and what to do, when there is no complete
        answer in time.
        """
        seconds = self.timeout if timeout is None else timeout
        ends = time.monotonic() + seconds
        try:
            return self._twice(ends, method, path, headers, body, into)
        except (OSError, http.client.HTTPException, ssl.SSLError) as error:
            self.close()
            raise Unavailable(self._sentence(error, seconds)) from error
        except Unavailable:
            self.close()
            raise

    def close(self) -> None:
        """Closes this thread's connection; the next request opens a new one."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    def _twice(self, ends: float, method: str, path: str, headers: Mapping[str, str], body: Any, into: Any) -> Answer:
        connection, reused = self._connection()
        try:
            return self._once(connection, ends, method, path, headers, body, into)
        except GONE_STALE:
            self.close()
            if not reused or hasattr(body, "read"):
                raise
            return self._once(self._connection()[0], ends, method, path, headers, body, into)

    def _once(self, connection: Any, ends: float, method: str, path: str, headers: Any, body: Any, into: Any) -> Answer:
        connection.ends = ends
        connection.request(method, path, body=body, headers=dict(headers))
        with connection.getresponse() as response:
            if 300 <= response.status < 400 and response.status != 304:
                raise Unavailable(
                    f"{self.origin} redirects to {response.headers.get('Location', 'elsewhere')!r:.100}; "
                    "write the service's own address instead."
                )
            return Answer(response.status, response.headers, self._body(response, into))

    def _body(self, response: http.client.HTTPResponse, into: IO[bytes] | None) -> bytes:
        if into is not None and response.status == 200:
            while chunk := response.read(256 * 1024):
                into.write(chunk)
            body = b""
        else:
            body = response.read(self.limit + 1)
        if len(body) > self.limit:
            raise Unavailable(f"{self.origin} sent more than {self.limit} bytes, which can't be the service's answer.")
        if response.length:
            raise http.client.IncompleteRead(body, response.length)
        return body

    def _connection(self) -> tuple[Any, bool]:
        """This thread's connection, and whether it is open already. A forked process never uses its parent's."""
        known = getattr(self._local, "connection", None)
        if known is not None and self._local.pid == os.getpid():
            return known, known.sock is not None
        kind = _Https if self._parts.scheme == "https" else _Http
        self._local.connection, self._local.pid = kind(self._parts.hostname, self._parts.port), os.getpid()
        return self._local.connection, False

    def _sentence(self, error: Exception, seconds: float) -> str:
        if isinstance(error, TimeoutError):
            return f"The service at {self.origin} gave no complete answer within {seconds:g} s: look at its log."
        if isinstance(error, ConnectionRefusedError):
            return (
                f"The service at {self.origin} is not running (connection refused): start it, or correct its address."
            )
        if isinstance(error, http.client.IncompleteRead | http.client.RemoteDisconnected | ConnectionResetError):
            return f"The service at {self.origin} broke off in the middle of an answer: look at its log."
        if isinstance(error, http.client.HTTPException):
            return f"What answers at {self.origin} is not the service ({type(error).__name__}): correct its address."
        return f"The service at {self.origin} can't be reached ({error}): start it, or correct its address."
