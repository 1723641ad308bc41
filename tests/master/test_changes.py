"""Following the service's changes: the master's cache never has anything older than what the master could have heard of."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import salt.cache
import salt.config
from wire_service import answer, served

from pillar_service.master.client import Client
from pillar_service.master.dispatch import changes
from pillar_service.master.dispatch.salt_master import SaltMaster

NODES = ("cellar-1", "cellar-2")


class Service:
    """Tells of changes like the real service, or is away."""

    def __init__(self) -> None:
        self.serial, self.is_away = 1, False

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        """Answer one request."""
        after = re.search(rb"after=(\d+)", request)
        ends = time.monotonic() + 30
        while after and int(after[1]) == self.serial and not self.is_away and time.monotonic() < ends:
            time.sleep(0.01)
        if self.is_away:
            connection.shutdown(socket.SHUT_RDWR)
            return
        nodes = ["cellar-1"] if after and int(after[1]) < self.serial else []
        told = {"serial": self.serial, "nodes": nodes, "configured": []}
        answer("200 OK", json.dumps(told).encode())(connection, request)


class Cached:
    """The master's pillar cache: Salt's own, in a folder."""

    def __init__(self, folder: Path) -> None:
        config = salt.config.master_config(None)
        self.opts = {**config, "cachedir": str(folder), "pillar.cache_driver": "localfs"}
        self.cache = salt.cache.factory(self.opts, driver="localfs")

    def fill(self) -> None:
        """Cache a pillar of each node."""
        for node in NODES:
            self.cache.store("pillar", node, {"of": node})

    @property
    def nodes(self) -> set[str]:
        """The nodes whose pillar is cached."""
        return {node for node in NODES if self.cache.contains("pillar", node)}


@pytest.fixture
def cached(tmp_path: Path) -> Cached:
    return Cached(tmp_path / "cache")


@contextlib.contextmanager
def following(service: Service, cached: Cached, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "token").write_text("the-secret-token\n")
    stop = threading.Event()
    with served(service) as there:
        client, master = Client(there.url, str(tmp_path / "token")), SaltMaster(cached.opts)
        thread = threading.Thread(target=changes.follow, args=(client, master, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            service.is_away = True
            thread.join(20)


def within(seconds: float, condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.02)


def test_all_is_cleared_when_contact_is_lost_and_soon_after_it_is_back(cached: Cached, tmp_path: Path) -> None:
    service = Service()
    cached.fill()
    with following(service, cached, tmp_path):
        within(10, lambda: not cached.nodes)
        time.sleep(0.3)  # It waits for a change.
        cached.fill()
        service.serial += 1
        within(10, lambda: cached.nodes == {"cellar-2"})
        service.is_away = True
        within(10, lambda: not cached.nodes)
        time.sleep(5)  # long enough for the longest pause between its requests
        cached.fill()
        assert cached.nodes == set(NODES), "once is enough: a copy that the master has is better than none"
        service.serial += 1
        service.is_away = False
        within(2, lambda: not cached.nodes)
