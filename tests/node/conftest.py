"""A node's home, and what is at its wires: a pub's Unix socket, the service's door over HTTP."""

import http.server
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apps import made_once
from executing import NODE, Cellar
from machine_rooms import Room
from spooling import Clock
from wires import BOT

from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def folder(home: Home) -> Path:
    home.bot(BOT).mkdir(parents=True)
    return home.bot(BOT)


@pytest.fixture
def listen() -> Iterator[Callable]:
    """Gives a function that listens on a Unix socket and handles each connection with the given function."""
    sockets = []

    def start(path: Path, answer: Callable[[socket.socket], None]) -> None:
        listener = socket.socket(socket.AF_UNIX)
        sockets.append(listener)
        directory = os.open(path.parent, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{directory}/{path.name}")
        os.close(directory)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        answer(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()

    yield start
    for one in sockets:
        one.close()


class Door(http.server.BaseHTTPRequestHandler):
    """The service's end of the door: stores each event once, keeps every request."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        status, answer = self.server.answer(body)
        written = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_):
        pass


@pytest.fixture
def service() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.asked = []
    server.answer = lambda batch: (202, {"accepted": [event["id"] for event in batch], "refused": []})
    server.told = {"url": f"http://127.0.0.1:{server.server_port}", "token": "node:secret"}
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def cellar(sqlite_url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cellar]:
    """The real service in this process, on a real port, with a node's executor."""
    from pillar_service.settings import settings
    from pillar_service.usecases.nodes import nodes
    from pillar_service.usecases.service import storage
    from pillar_service.web.public import create_app

    for name, value in {**environment, "CELLAR_DATABASE": sqlite_url}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    storage.prepare()
    nodes.add("test", NODE)
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        os.chmod(folder, 0o755)  # commands run as other users than root
        made = Cellar(Home(Path(folder)), made_once(create_app), environment["CELLAR_SECRET_KEY"])
        yield made
        made.end()
    storage.release()
    settings.cache_clear()


@pytest.fixture
def time_of_day() -> Clock:
    return Clock()


@pytest.fixture
def spool(home: Home, time_of_day: Clock) -> Iterator[Spool]:
    spool = Spool(home, now=time_of_day)
    yield spool
    spool.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path, bots={})
    yield room
    room.close()
