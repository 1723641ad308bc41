"""The one connection to the service: its timeout is for everything together, however many addresses and slow answers."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from wire_service import answer, served

from pillar_service.core.errors import Unavailable
from pillar_service.master.wire import Wire


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """A port that accepts no connection: its queue is full, so a further one waits."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def dripping() -> Iterator[int]:
    """A port that begins TLS's handshake and then sends a byte every 0.1 s."""

    def drip(listener: socket.socket) -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
            for _ in range(60):
                time.sleep(0.1)
                connection.sendall(b"\x00")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def with_addresses(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let a host's name resolve to one address for each port."""

    def found(*_args: Any, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def in_time(wire: Wire, seconds: float) -> str:
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        wire.ask("GET", "/", {})
    assert time.monotonic() - began < seconds
    return raised.value.sentence


def test_many_addresses_share_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as port:
        with_addresses(monkeypatch, *[port] * 4)
        assert "within 1 s" in in_time(Wire("http://several.example", 1.0), 1.5)


def test_a_name_server_that_does_not_answer_takes_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ends = [], threading.Event()

    def slow(host: str, *_args: Any, **_more: Any) -> list[Any]:
        asked.append(host)
        ends.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    try:
        wire = Wire("http://slow.example", 1.0)
        for _ in range(3):
            assert "no name server answered in time" in in_time(wire, 1.5)
        assert asked == ["slow.example"], "one question is enough"
    finally:
        ends.set()


def test_a_host_that_is_not_known_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_more: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "can't be reached" in (said := in_time(Wire("http://unknown.example", 20.0), 5))
    assert "Name or service not known" in said


def test_a_good_address_behind_a_deaf_one_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as port, served(answer("200 OK", b"{}")) as service:
        with_addresses(monkeypatch, port, int(service.url.rpartition(":")[2]))
        assert Wire("http://several.example", 1.0).ask("GET", "/", {}).status == 200


def test_a_handshake_that_drips_takes_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as nobody, dripping() as port:
        with_addresses(monkeypatch, nobody, port)
        assert "within 1 s" in in_time(Wire("https://several.example", 1.0), 1.5)
