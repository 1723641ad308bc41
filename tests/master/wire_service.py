"""A stand-in for the service at the wire: it answers as a test says, byte by byte."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Answering = Callable[[socket.socket, bytes], None]


def answer(
    status: str, body: bytes = b"", content_type: str = "application/json", length: int | None = None, more: str = ""
) -> Answering:
    """Sends one response; if ``length`` exceeds its body, the response breaks off there."""
    length = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}"

    def act(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(f"{head}\r\n{more}\r\n".encode() + body)
        if length > len(body):
            connection.shutdown(socket.SHUT_RDWR)

    return act


def hang(_connection: socket.socket, _request: bytes) -> None:
    """Says nothing for longer than anyone waits."""
    time.sleep(8)


def drip(start: bytes) -> Answering:
    """Sends ``start`` at once and then a byte every 0.2 s, so that no single read times out."""

    def act(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(start)
        with contextlib.suppress(OSError):
            for _ in range(40):
                time.sleep(0.2)
                connection.sendall(b" ")

    return act


@dataclass
class WireService:
    """The service's address, its next answer, the requests that it got, and the number of connections."""

    url: str
    answering: Answering
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def headers(self, number: int = -1) -> dict[str, str]:
        """The headers of a request, by lower-case name."""
        lines = self.requests[number].decode().split("\r\n\r\n")[0].split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@contextlib.contextmanager
def served(answering: Answering) -> Iterator[WireService]:
    """Runs a service that answers like this until the end of the block."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            service.connections += 1
            with contextlib.suppress(OSError):
                while request := _request(self.request):
                    service.requests.append(request)
                    service.answering(self.request, request)
                    if b"connection: close" in request.lower() or service.answering is hang:
                        return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        service = WireService(f"http://127.0.0.1:{server.server_address[1]}", answering)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield service
        finally:
            server.shutdown()


def _request(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        read += chunk
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def opts(folder: Any) -> dict[str, str]:
    """The master's options that the loader files read."""
    return {"cachedir": str(folder)}
