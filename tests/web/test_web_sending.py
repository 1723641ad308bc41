"""Sending files: a slow connection holds a thread for as long as it likes, so their number is limited."""

import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from answering import answering
from flask import Flask
from flask.testing import FlaskClient
from pouring import PUB, owner, poured, tar
from programs import problem
from visiting import come_as
from werkzeug.serving import make_server

from pillar_service.usecases.bots import bots, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.web import sending
from pillar_service.web.slots import Slots

LARGE = {"blobs/sha256/00/x": b"x" * (16 << 20)}
"""More than the kernel buffers for a connection that is not being read."""


@pytest.fixture(autouse=True)
def all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh slots, so that downloads of other tests don't count."""
    monkeypatch.setattr(sending, "of_people", Slots(4, 1, sending.OF_ONE))
    monkeypatch.setattr(sending, "of_nodes", Slots(4, 1, sending.OF_ONE))
    monkeypatch.setattr(sending, "of_masters", Slots(4, 1))


def held_are(count: int, slots: Slots) -> bool:
    until = time.monotonic() + 5
    while slots.held() != count and time.monotonic() < until:
        time.sleep(0.01)
    return slots.held() == count


def exported() -> str:
    """Let a job bring a large export of the bot `my`; return its id."""
    poured()
    job = str(jobs.submit(f"account:{bots.show('my')['account'][0]['email']}", "bots.export", "my")["job"]["id"])
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "jid")
    kept = transfers.deliver("cellar-1", job, tar(**LARGE))
    runs.result(run["id"], "jid", "cellar-1", {"pub_id": PUB, "sequence": 3, **kept}, True, 0)
    return job


def slow(address: str, path: str, authorization: str) -> socket.socket:
    """A connection that asks for a file but reads nothing."""
    where = urlsplit(address)
    line = socket.create_connection((where.hostname, where.port))
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: {authorization}\r\n\r\n".encode())
    return line


def test_a_person_who_reads_slowly_holds_few_threads(address: str, api: FlaskClient) -> None:
    path = f"/agents/my/export?job={exported()}"
    with ExitStack() as lines:
        for count in range(1, sending.OF_ONE + 1):
            lines.enter_context(slow(address, path, api.environ_base["HTTP_AUTHORIZATION"]))
            assert held_are(count, sending.of_people)
        refused = api.get(path)
        assert "Too many" in problem(refused, 429)
        assert refused.headers["Retry-After"] == str(sending.AGAIN_S)
    assert held_are(0, sending.of_people)
    with api.get(path) as whole:
        assert len(whole.data) > len(LARGE["blobs/sha256/00/x"])
        assert whole.headers["Cache-Control"] == "no-store", "a browser would keep the secret that is in it"
    assert api.head(path).status_code == 200
    with api.get(path, headers={"Range": "bytes=0-9"}) as part:
        assert (part.status_code, len(part.data)) == (206, 10)
    assert sending.of_people.held() == 0


def test_a_page_says_that_too_many_are_on_their_way(visitor: FlaskClient, person: str) -> None:
    job = exported()
    come_as(visitor)
    with sending.of_people.taken(person), sending.of_people.taken(person):
        refused = visitor.get(f"/bots/my/exports/{job}")
        assert (refused.status_code, "Too many" in refused.text) == (429, True)
    with visitor.get(f"/bots/my/exports/{job}") as whole:
        assert whole.status_code == 200


def importing() -> str:
    """A job of cellar-1 that needs a large tar; return its id."""
    owner()
    upload = transfers.upload("test", tar(**LARGE))["upload"]
    return str(bots.create("test", "my", "demo@example.org", upload=upload)["job"]["id"])


def test_nodes_that_read_slowly_hold_few_threads(address: str, node: FlaskClient) -> None:
    path = f"/transfers/{importing()}"
    with ExitStack() as lines:
        for count in range(1, sending.OF_ONE + 1):
            lines.enter_context(slow(address, path, node.environ_base["HTTP_AUTHORIZATION"]))
            assert held_are(count, sending.of_nodes)
        refused = node.get(path)
        assert "Too many" in problem(refused, 503), "what a node takes for a service that is away, and asks again"
        assert refused.headers["Retry-After"] == str(sending.AGAIN_S)
    assert held_are(0, sending.of_nodes)
    with node.get(path) as whole:
        assert whole.status_code == 200


def test_masters_that_read_slowly_leave_threads_for_pillars(private_app: Flask, master: FlaskClient) -> None:
    owner()
    path = f"/transfers/{exported()}"
    with answering(make_server("127.0.0.1", 0, private_app, threaded=True)) as url, ExitStack() as lines:
        for count in range(1, 5):  # A quarter of the threads.
            lines.enter_context(slow(url, path, master.environ_base["HTTP_AUTHORIZATION"]))
            assert held_are(count, sending.of_masters)
        assert "Too many" in problem(master.get(path), 429)
    assert held_are(0, sending.of_masters)
    with master.get(path) as whole:
        assert whole.status_code == 200
