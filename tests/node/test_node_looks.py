"""Machines may look at what strangers control, and no look may take longer than its time."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from executing import until

from pillar_service.core.errors import NotFound
from pillar_service.node.machines import library, looks, tree

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"


def page(url: str) -> looks.Look:
    """A look at a page, with a timeout of one second."""
    written = f"""
machine: it
about: looks
initial: one
states: {{one: {{}}}}
watchers: {{page: {{kind: http, url: "{url}", timeout: 1, when: answers, fires: up}}}}
transitions: [{{on: up, from: one, to: one}}]
"""
    [watcher] = library.read(written.encode(), "it").watchers.values()

    def nothing(key: str) -> None:
        raise NotFound(key)

    return looks.look(watcher, {}, nothing)


Answer = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Gives a function that serves a port, handling each connection with the given function; returns the address."""
    sockets = []

    def start(answer: Answer) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def each() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(65536)
                answer(connection)

        threading.Thread(target=each, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for one in sockets:
        one.close()


def drip(connection: socket.socket, before: bytes, byte: bytes) -> None:
    connection.sendall(before)
    while True:
        connection.sendall(byte)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("before", "byte", "status"), [(b"", b"H", 0), (b"HTTP/1.1 200 OK\r\nX: ", b"x", 200), (HEAD, b"x", 200)]
)
def test_a_page_that_drips_takes_no_longer_than_it_may(
    serve: Callable[[Answer], str], before: bytes, byte: bytes, status: int
) -> None:
    url, began = serve(lambda connection: drip(connection, before, byte)), time.monotonic()
    seen = page(url)
    assert time.monotonic() - began < 3
    assert (seen["status"], seen["answers"]) == (status, bool(status))


def test_a_page_is_seen_by_its_status_and_its_beginning(serve: Callable[[Answer], str]) -> None:
    seen = page(serve(lambda connection: connection.sendall(HEAD + b"y" * 10_000)))
    assert (seen["status"], seen["answers"], seen["text"]) == (200, True, "y" * looks.TEXT)
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example.org/\r\nContent-Length: 0\r\n\r\n"
    assert page(serve(lambda connection: connection.sendall(moved)))["status"] == 302


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n"])
def test_what_is_no_answer_is_none(serve: Callable[[Answer], str], said: bytes) -> None:
    assert page(serve(lambda connection: connection.sendall(said)))["answers"] is False


def test_nobody_there_is_no_answer() -> None:
    assert page("http://127.0.0.1:9/")["answers"] is False


def test_a_process_may_call_itself_what_is_no_text() -> None:
    named = "open('/proc/self/comm', 'wb').write(b'\\xff\\xfe'); print('named', flush=True); input()"
    command = [sys.executable, "-c", named]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"named\n"
        assert tree.mark(process.pid) is not None
        assert tree.is_stopped(os.getpid()) is False
        process.send_signal(signal.SIGSTOP)
        until(lambda: tree.is_stopped(os.getpid()))
        process.kill()
