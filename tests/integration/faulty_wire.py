"""A real HTTP server between a master and the service: it passes answers through or spoils them."""

import contextlib
import http.client
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HANG_S = 6.0
"""Longer than any of our clients waits for a pillar."""

JSON = "application/json"


@dataclass
class Answer:
    """An answer: status, media type and body."""

    status: int
    type: str
    body: bytes


Spoil = Callable[[Answer], Answer]


def _with(**changed: object) -> Spoil:
    return lambda real: Answer(**{**vars(real), **changed})


def _another_node(real: Answer) -> Answer:
    told = json.loads(real.body)
    told["saltcellar"]["node"] = "somebody-else"
    return Answer(real.status, real.type, json.dumps(told).encode())


def _problem(status: int) -> Spoil:
    body = json.dumps({"title": "Spoiled", "status": status, "detail": f"Spoiled with {status}."}).encode()
    return _with(status=status, type="application/problem+json", body=body)


def _hang(real: Answer) -> Answer:
    time.sleep(HANG_S)
    return real


SPOILS: dict[str, Spoil] = {
    "401": _problem(401),
    "404": _problem(404),
    "500": _with(status=500, type="text/html", body=b"<h1>Internal Server Error</h1>"),
    "503": _problem(503),
    "304": _with(status=304, body=b""),
    "hang": _hang,
    "html": _with(type="text/html", body=b"<html><body>Sign in to the hotel's network</body></html>"),
    "truncated": lambda real: Answer(real.status, real.type, real.body[: len(real.body) // 2]),
    "list": _with(body=b"[]"),
    "empty": _with(body=b"{}"),
    "wrong type": _with(type="text/plain"),
    "another node": _another_node,
}
FAULTS = ("refused", *SPOILS)


@dataclass
class FaultyWire:
    """The server. ``fault`` is one of FAULTS, or None to pass everything through unchanged."""

    upstream: str
    port: int = 0
    fault: str | None = None
    _server: http.server.ThreadingHTTPServer | None = None
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Its address, which stays the same while it does not listen."""
        return f"http://127.0.0.1:{self.port}"

    def listen(self) -> None:
        """Starts listening."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def refuse(self) -> None:
        """Stops listening and cuts all connections, as a killed service would."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server = None

    @contextlib.contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        """Answers every request with this fault for a while."""
        self.fault = fault
        if fault == "refused":
            self.refuse()
        try:
            yield
        finally:
            if self._server is None:
                self.listen()
            self.fault = None

    def answer(self, path: str, headers: dict[str, str]) -> tuple[Answer, str]:
        """The service's answer, spoiled by the fault, and its ETag."""
        asked = {"Authorization": headers.get("Authorization", "")}
        if self.fault is None and "If-None-Match" in headers:
            asked["If-None-Match"] = headers["If-None-Match"]
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=asked)
            got = connection.getresponse()
            real = Answer(got.status, got.headers.get("Content-Type", JSON), got.read())
        return (SPOILS[self.fault](real) if self.fault else real), got.headers.get("ETag", "")


def _handler(wire: FaultyWire) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            wire._open.add(self.connection)

        def finish(self) -> None:
            wire._open.discard(self.connection)
            with contextlib.suppress(OSError):
                super().finish()

        def do_GET(self) -> None:
            answer, etag = wire.answer(self.path, dict(self.headers))
            with contextlib.suppress(OSError):
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.type)
                self.send_header("ETag", etag)
                if answer.status != 304:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
