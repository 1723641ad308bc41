"""Uploads: a tar on a slow connection holds a thread, so each person may have only a few."""

import socket
import tarfile
import threading
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from forms import imported
from pouring import owner, poured, tar
from programs import problem
from visiting import come_as

from pillar_service.settings import settings
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.web import uploads
from pillar_service.web.slots import Slots


@pytest.fixture(autouse=True)
def all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh slots, so that uploads of other tests don't count."""
    monkeypatch.setattr(uploads, "of_people", Slots(4, 1, uploads.OF_ONE_PERSON))


def held_are(count: int, slots: Slots | None = None) -> bool:
    """Whether so many slots are held, within five seconds."""
    until, looked_at = time.monotonic() + 5, slots or uploads.of_people
    while looked_at.held() != count and time.monotonic() < until:
        time.sleep(0.01)
    return looked_at.held() == count


def exporting() -> str:
    """A running job that exports a bot of cellar-1; return its id."""
    owner()
    poured()
    job = jobs.submit("test", "bots.export", "my")["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "jid")
    return str(job)


def begun(address: str, authorization: str, what: str = "POST /imports?name=slow") -> socket.socket:
    """A connection that announces a tar but sends nothing of it."""
    where = urlsplit(address)
    line = socket.create_connection((where.hostname, where.port))
    asked = f"{what} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: {authorization}\r\n"
    line.sendall(f"{asked}Content-Type: application/x-tar\r\nContent-Length: 100000\r\n\r\n".encode())
    return line


def test_who_sends_slowly_holds_few_threads(address: str, api: FlaskClient) -> None:
    with ExitStack() as lines:
        for count in range(1, uploads.OF_ONE_PERSON + 1):
            lines.enter_context(begun(address, api.environ_base["HTTP_AUTHORIZATION"]))
            assert held_are(count)
        refused = api.post("/imports?name=my", data=tar().getvalue(), content_type="application/x-tar")
        assert "Too many tars" in problem(refused, 429)
        assert refused.headers["Retry-After"] == str(uploads.AGAIN_S)
    assert held_are(0)
    again = api.post("/imports?name=my", data=tar().getvalue(), content_type="application/x-tar")
    assert again.status_code == 201


def test_a_form_with_a_tar_waits_for_its_place_too(visitor: FlaskClient, person: str) -> None:
    come_as(visitor)
    with uploads.of_people.taken(person), uploads.of_people.taken(person):
        refused = imported(visitor, tar().getvalue())[0]
        assert (refused.status_code, "Too many tars" in refused.text) == (429, True)
    assert imported(visitor, tar().getvalue())[0].status_code == 302


def test_a_form_with_a_tar_has_its_place_until_its_bot_is_poured(visitor: FlaskClient, person: str) -> None:
    come_as(visitor)
    many = tar()
    with tarfile.open(fileobj=many, mode="a") as archive:
        for number in range(12_000):
            archive.addfile(tarfile.TarInfo(f"blobs/sha256/00/{number}"))
    sending = threading.Thread(target=imported, args=(visitor, many.getvalue()))
    sending.start()
    while sending.is_alive() and not list(settings().files.glob("*.part")):
        time.sleep(0.001)
    is_seen, held = sending.is_alive(), uploads.of_people.held()
    sending.join()
    assert (is_seen, held) == (True, 1)
    assert uploads.of_people.held() == 0


def test_a_node_holds_few_threads_with_what_it_sends(address: str, node: FlaskClient) -> None:
    job = exporting()
    with ExitStack() as lines:
        for count in range(1, uploads.OF_ONE_NODE + 1):
            path = f"PUT /transfers/{job}"
            lines.enter_context(begun(address, node.environ_base["HTTP_AUTHORIZATION"], path))
            assert held_are(count, uploads.of_nodes)
        assert "Too many tars" in problem(node.put(f"/transfers/{job}", data=tar().getvalue()), 429)
    assert held_are(0, uploads.of_nodes)
    assert node.put(f"/transfers/{job}", data=tar().getvalue()).status_code == 201
