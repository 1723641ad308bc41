"""A server is restarted under constant requests: none is dropped, however they are made."""

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from processes import Process, served

from pillar_service.web import takeover

RESTARTS = 2

PACE_S = 0.01
"""The pause between two requests of a thread, in seconds: short, to meet each moment of a restart, but not to overload."""


class Hammer:
    """Threads that send requests until told to stop; counts the answers to each kind, and keeps what went wrong."""

    def __init__(self, process: Process, token: str) -> None:
        self.process, self.headers = process, {"Authorization": token, "Content-Type": "application/json"}
        self.dropped: list[str] = []
        self.answered: dict[str, int] = {}
        self.made: list[str] = []
        self.over = threading.Event()
        ways: list[tuple[Callable[[int], Any], int]] = [
            (self.keeps, 3), (self.connects, 3), (self.writes, 2), (self.waits, 2), (self.pauses, 2), (self.sends_slowly, 1),
        ]  # fmt: skip
        self.threads = [threading.Thread(target=self._go, args=(way, n)) for way, many in ways for n in range(many)]

    def _go(self, way: Callable[[int], Any], n: int) -> None:
        name = way.__name__
        try:
            for status in way(n):
                if status >= 400:
                    self.dropped.append(f"{name}: {status}")
                self.answered[name] = self.answered.get(name, 0) + 1
                if self.over.wait(PACE_S):
                    return
        except (OSError, http.client.HTTPException, requests.RequestException) as error:
            self.dropped.append(f"{name}: {error!r}")

    def keeps(self, _: int) -> Iterator[int]:
        """Many requests on one connection, like the masters' client."""
        connection = self._connection()
        while True:
            yield self._asked(connection, "GET", "/pillar/cellar-1")

    def connects(self, _: int) -> Iterator[int]:
        """A new connection for each request."""
        while True:
            connection = self._connection()
            yield self._asked(connection, "GET", "/nodes")
            connection.close()

    def writes(self, n: int) -> Iterator[int]:
        """Whatever was acknowledged must be there."""
        connection = self._connection()
        while True:
            name = f"n{n}-{len(self.made)}"
            yield self._asked(connection, "POST", "/nodes", {"id": name})
            self.made.append(name)

    def waits(self, _: int) -> Iterator[int]:
        """The dispatchers' long poll."""
        connection = self._connection()
        while True:
            yield self._asked(connection, "POST", "/jobs/claim", {"wait": 30})

    def pauses(self, _: int) -> Iterator[int]:
        """A kept connection that rests for longer than a stopping server waits."""
        with requests.Session() as session:
            while True:
                yield session.get(f"{self.process.url}/nodes", headers=self.headers, timeout=20).status_code
                self.over.wait(2.7)

    def sends_slowly(self, n: int) -> Iterator[int]:
        """A request that is still arriving when the server is told to stop."""
        text = json.dumps({"id": f"slow{n}"})
        while True:
            connection = self._connection()
            connection.putrequest("POST", "/nodes")
            for name, value in {**self.headers, "Content-Length": str(len(text))}.items():
                connection.putheader(name, value)
            connection.endheaders()
            for part in (text[:5], text[5:]):
                connection.send(part.encode())
                self.over.wait(2.7)
            yield self._answer(connection)
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.process.port, timeout=40)

    def _asked(self, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> int:
        connection.request(method, path, body and json.dumps(body), self.headers)
        return self._answer(connection)

    def _answer(self, connection: http.client.HTTPConnection) -> int:
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def __enter__(self) -> "Hammer":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)


def test_restarts_drop_no_request(process: Process, tmp_path: Path) -> None:
    session = served(process, tmp_path)
    assert process.server is not None
    pid = process.server.pid
    with Hammer(process, str(session.headers["Authorization"])) as hammer:
        time.sleep(1)
        for _ in range(RESTARTS):
            before, pid = pid, process.restart(pid)
            assert pid != before
            assert os.getpgid(pid) == pid
            assert not takeover._lives(before)
        time.sleep(3)
    assert hammer.dropped == []
    assert set(hammer.answered) == {"keeps", "connects", "writes", "waits", "pauses", "sends_slowly"}
    assert hammer.answered["keeps"] > 50
    there = {node["id"] for node in session.get(f"{process.url}/nodes").json()["nodes"]}
    assert set(hammer.made) <= there


def test_a_launcher_starts_the_successor_and_systemd_hears_of_it(process: Process, tmp_path: Path) -> None:
    """As on an installed control plane, where the launcher has the current version and settings."""
    launcher = tmp_path / "launcher"
    launcher.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/told\nexec {sys.executable} "$@"\n')
    launcher.chmod(0o755)
    process.environment |= {"CELLAR_LAUNCHER": str(launcher), "NOTIFY_SOCKET": str(tmp_path / "notify")}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        served(process, tmp_path)
        assert process.server is not None
        pid = process.restart(process.server.pid)
        told = [systemd.recv(999).decode()]
        while not told[-1].startswith("MAINPID="):
            told.append(systemd.recv(999).decode())
    assert told[-1] == f"MAINPID={pid}"
    assert (tmp_path / "told").read_text() == "-m pillar_service.web serve private\n"


def test_a_server_that_can_not_start_leaves_the_old_one_alone(process: Process, tmp_path: Path) -> None:
    from pillar_service.store import database

    session = served(process, tmp_path)
    assert process.server is not None
    database.connect(process.environment["CELLAR_DATABASE"])
    with database.transaction():
        database.db.execute_sql("UPDATE schema_migration SET name = '9999_later' WHERE name = '0001_first'")
    database.release()
    refused = process.run("restart", str(process.server.pid))
    assert (refused.returncode, refused.stderr) == (
        1, "The new server did not start, so the old one keeps serving: its log says why.\n",
    )  # fmt: skip
    assert session.get(f"{process.url}/nodes").status_code == 200
    assert process.run("restart", str(os.getpid())).stderr.startswith("There is no server with the process id")


def test_a_successor_ends_only_its_own_predecessor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pid of a process that has ended may be another one's by now."""
    heard: list[int] = []
    kept = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        monkeypatch.setenv(takeover.PREDECESSOR, str(os.getpid()))
        takeover.end_the_one_before()
    finally:
        signal.signal(signal.SIGTERM, kept)
    assert heard == []
