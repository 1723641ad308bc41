"""A fake webhook receiver at the wire, stricter than real ones: whatever violates the specifications is a fault.

``plan`` says how each request in turn is answered, its last entry how all further ones are: by a status, ``hang``,
``drip``, ``huge``, ``cut``, or (status, headers).
"""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = int | str | tuple[int, dict[str, str]]
WANTED = {"specversion", "id", "source", "type", "subject", "datacontenttype", "data"}
HANG_S = 20.0


class FakeHook:
    """The server, on a port of its own. ``bodies`` are by webhook-id; ``events`` are those it accepted, in order."""

    def __init__(self, *plan: Answer, secret: str = "", certificate: Path | None = None) -> None:
        self.plan, self.secret = list(plan) or [200], secret
        self.faults: list[str] = []
        self.bodies: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.events: list[dict[str, Any]] = []
        self.over, self.guard = threading.Event(), threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self._server.daemon_threads, self._server.block_on_close = True, False
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook?a=1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "FakeHook":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def heard(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Check and keep a request; return how to answer it."""
        with self.guard:
            self.faults += faults(self.secret, path, headers, body, self.bodies)
            id = headers.get("webhook-id", "")
            answer = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
            self.asked.append((id, path))
            self.bodies[id] = body
            if answer in (200, 202, 204, "huge"):
                self.events += json.loads(body)
            return answer


def faults(secret: str, path: str, headers: dict[str, str], body: bytes, known: dict[str, bytes]) -> list[str]:
    """What is wrong with a request."""
    found = [] if headers.get("content-type") == "application/cloudevents-batch+json" else ["its type"]
    found += [] if path == "/hook?a=1" else [f"the path {path}"]
    id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    mac = hmac.new(base64.b64decode(secret[6:]), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    if secret and headers.get("webhook-signature") != f"v1,{base64.b64encode(mac).decode()}":
        found.append("its signature")
    found += [] if id and "." not in id and at.isdigit() and abs(int(at) - time.time()) < 300 else ["its id or time"]
    found += ["the same id with another body"] if known.get(id, body) != body else []
    batch = json.loads(body)
    if len(body) > 256 << 10 and len(batch) > 1:
        found.append("its size")
    found += [] if isinstance(batch, list) and 1 <= len(batch) <= 101 else ["no batch"]
    found += [f"an event {one}" for one in batch if not set(one) >= WANTED or one["specversion"] != "1.0"]
    return found


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHook
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.fake.heard(self.path, {name.lower(): told for name, told in self.headers.items()}, body)
        self.close_connection = True
        with suppress(OSError):
            self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        if answer == "hang":
            self.fake.over.wait(HANG_S)
        elif answer == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif answer == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            until = time.monotonic() + HANG_S
            while time.monotonic() < until and not self.fake.over.wait(0.05):
                self.wfile.write(b"y")
        else:
            status, headers = answer if isinstance(answer, tuple) else (200 if answer == "huge" else int(answer), {})
            self.send_response(status)
            for name, value in {"Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            while answer == "huge" and not self.fake.over.is_set():
                self.wfile.write(b"x" * 65536)

    def log_message(self, *_: object) -> None:
        pass
