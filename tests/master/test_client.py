"""The client at the wire."""

import io
import json
import logging
import time

import pytest
from wire_service import answer, drip, hang, served

import pillar_service.clouds.saying  # noqa: F401  (it has an error of its own, which is none of the service's)
from pillar_service.core import errors
from pillar_service.master.client import Client

OK = answer("200 OK", b'{"agents": []}')


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("the-secret-token\n")
    return str(file)


@pytest.mark.parametrize(
    ("status", "title", "error"),
    [
        (401, "Not signed in", errors.Unauthenticated),
        (403, "Not allowed", errors.Forbidden),
        (404, "Not found", errors.NotFound),
        (409, "In conflict with what is there", errors.Conflict),
        (409, "Would fork the identity", errors.ForkHazard),
        (422, "Not valid", errors.Invalid),
        (503, "Away for now", errors.Unavailable),
        (507, "No room left", errors.Full),
        (500, "Did not work", errors.Failed),
        (502, "Bad Gateway", errors.Unavailable),
        (405, "Method Not Allowed", errors.Invalid),
    ],
)
def test_a_problem_becomes_the_error_it_names(token, status, title, error):
    problem = {"type": "about:blank", "title": title, "status": status, "detail": "What the person reads."}
    answering = answer(f"{status} X", json.dumps(problem).encode(), "application/problem+json")
    with served(answering) as service, pytest.raises(errors.SaltcellarError) as raised:
        Client(service.url, token).agents()
    assert type(raised.value) is error
    assert raised.value.sentence == "What the person reads."


@pytest.mark.parametrize(
    "answering",
    [
        answer("200 OK", b"[]"),
        answer("200 OK", b"{}"),
        answer("200 OK", b"<html>", "text/html"),
        answer("200 OK", b'{"agents": [', length=500),
        answer("302 Found", more="Location: http://elsewhere.example/\r\n"),
        hang,
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
    ],
)
def test_what_is_not_the_service_is_unavailable_within_its_time(token, answering):
    with served(answering) as service:
        began = time.monotonic()
        with pytest.raises(errors.Unavailable):
            Client(service.url, token, timeout=0.5).agents()
        assert time.monotonic() - began < 1


def test_an_idle_connection_that_was_closed_is_opened_again(token):
    def once(connection, request):
        OK(connection, request)
        connection.shutdown(2)

    with served(once) as service:
        client = Client(service.url, token)
        assert [client.agents() for _ in range(3)] == [[], [], []]
        assert service.connections == 3


def test_a_post_that_is_sent_twice_carries_the_same_key(token):
    told = answer("201 Created", b'{"job": {"id": "j"}}')

    def lose_the_second(connection, request):
        if len(service.requests) == 2:
            connection.shutdown(2)
        else:
            told(connection, request)

    with served(lose_the_second) as service:
        client = Client(service.url, token, actor="root")
        for _ in range(2):
            assert client.submit("bots.invite", "my", {})["id"] == "j"
        keys = [service.headers(number)["idempotency-key"] for number in range(3)]
    assert len(keys) == 3
    assert keys[1] == keys[2] != keys[0]
    assert service.headers()["x-actor"] == "root"


def test_the_token_is_never_logged_or_shown(token, caplog):
    caplog.set_level(logging.DEBUG)
    with served(answer("500 X")) as service:
        client = Client(service.url, token)
        with pytest.raises(errors.Failed) as raised:
            client.agents()
    assert service.headers()["authorization"] == "Bearer the-secret-token"
    shown = caplog.text + str(raised.value) + repr(vars(client))
    assert "the-secret" not in shown


def test_names_in_addresses_are_quoted(token):
    with served(answer("404 Not Found")) as service:
        with pytest.raises(errors.NotFound):
            Client(service.url, token).agent("../pillar/x?y#z")
        assert service.requests[0].startswith(b"GET /agents/..%2Fpillar%2Fx%3Fy%23z HTTP/1.1")


def test_a_download_that_is_cut_off_is_no_download(token):
    cut_off = answer("200 OK", b"x" * 1000, "application/x-tar", length=2000)
    with served(cut_off) as service, pytest.raises(errors.Unavailable, match="broke off"):
        Client(service.url, token).download("job", io.BytesIO())


def test_an_upload_streams_its_file(token):
    with served(answer("201 Created", b'{"upload": "u"}')) as service:
        assert Client(service.url, token).upload(io.BytesIO(b"t" * 300_000), 300_000)["upload"] == "u"
        assert service.requests[0].endswith(b"t" * 300_000)


@pytest.mark.parametrize("url", ["127.0.0.1:8081", "file:///etc/passwd", "http://", "http://user:pw@127.0.0.1"])
def test_an_address_that_is_none_is_refused_at_once(token, url):
    with pytest.raises(errors.Invalid):
        Client(url, token)
