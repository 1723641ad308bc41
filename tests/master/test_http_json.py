"""The ext_pillar at the wire: whatever the service does, a node never gets an empty pillar or another node's."""

import json
import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import salt.utils.http
from wire_service import WireService, answer, drip, hang, opts, served

from pillar_service.core import errors
from pillar_service.core.nodes import pillar
from pillar_service.core.people.agents import Desired
from pillar_service.master.pillar import http_json

NODE = "cellar-1"


def body(node: str = NODE, bots: int = 3) -> bytes:
    """A node's pillar with living bots."""
    facts = [
        pillar.BotFacts(
            f"{n:016x}", f"bot{n}", f"bot{n}.butt.nz", "pub", Desired.RUNNING, False, 20000 + n, "image", 256
        )
        for n in range(bots)
    ]
    return pillar.body(node, {"url": "http://127.0.0.1:8080", "token": "t"}, facts).encode()


RIGHT = answer("200 OK", body(), more='ETag: "1"\r\n')
PROBLEM = json.dumps({"title": "x", "status": 0, "detail": "The reason."}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
AWAY = {
    "500": answer("500 Internal Server Error", PROBLEM, "application/problem+json"),
    "503": answer("503 Service Unavailable", PROBLEM, "application/problem+json"),
    "304 for another copy": answer("304 Not Modified"),
    "hang": hang,
    "drip": drip(HEAD + b"Content-Length: 1000\r\n\r\n{"),
    "drip in the head": drip(HEAD + b"X-Slow: "),
    "HTML": answer("200 OK", b"<html>It works!</html>", "text/html"),
    "truncated JSON": answer("200 OK", body()[:-30]),
    "cut off": answer("200 OK", body()[:-30], length=len(body())),
    "nested without end": answer("200 OK", b"[" * 100_000),
    "a problem nested without end": answer("500 Oh", b"[" * 100_000, "application/problem+json"),
    "list": answer("200 OK", b"[]"),
    "{}": answer("200 OK", b"{}"),
    "no bots": answer("200 OK", b'{"saltcellar": {"node": "cellar-1"}}'),
    "wrong content type": answer("200 OK", body(), "text/plain"),
    "another node": answer("200 OK", body("cellar-2")),
    "huge": answer("200 OK", b'{"a": "' + b"x" * (5 * 1024 * 1024) + b'"}'),
    "redirect": answer("302 Found", more="Location: http://127.0.0.1:1/pillar/cellar-1\r\n"),
    "no HTTP": lambda connection, _request: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
}
NO = {
    "401": (answer("401 Unauthorized", PROBLEM, "application/problem+json"), errors.Unauthenticated),
    "403": (answer("403 Forbidden", PROBLEM, "application/problem+json"), errors.Forbidden),
    "404": (answer("404 Not Found", PROBLEM, "application/problem+json"), errors.NotFound),
}


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Compiles a pillar with the ext_pillar as Salt's loader sets it up."""
    http_json.__opts__ = opts(tmp_path)

    def compile_(service: WireService, node: str = NODE, **more: Any) -> dict[str, Any]:
        return http_json.ext_pillar(node, {}, f"{service.url}/pillar/%s", **({"timeout": 1, "token": "s3cret"} | more))

    return compile_


@pytest.mark.parametrize("mode", AWAY)
def test_serves_the_last_known_good_pillar_and_says_why(compiled, mode):
    with served(RIGHT) as service:
        right = compiled(service)
        service.answering = AWAY[mode]
        if mode.startswith("304"):
            service.answering = answer("500 Internal Server Error")
        began = time.monotonic()
        old = compiled(service)
        assert time.monotonic() - began < 1.5, "waited longer than its total of 1 s"
    notice = old["saltcellar"].pop("stale")
    assert old == right
    assert abs(notice["since"] - time.time()) < 5
    assert notice["reason"].endswith(".") or "answer" in notice["reason"]


@pytest.mark.parametrize("mode", AWAY)
def test_raises_when_there_is_no_copy(compiled, mode):
    with (
        served(AWAY[mode]) as service,
        pytest.raises(errors.Unavailable, match=r"No pillar for cellar-1: .+nothing is"),
    ):
        compiled(service)


@pytest.mark.parametrize("mode", NO)
def test_a_no_is_never_replaced_by_a_copy(compiled, mode):
    answering, error = NO[mode]
    with served(RIGHT) as service:
        compiled(service)
        service.answering = answering
        with pytest.raises(error, match=rf"gives cellar-1 no pillar \({mode}\): The reason\."):
            compiled(service)


def test_refused(compiled):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = WireService(f"http://127.0.0.1:{closed.getsockname()[1]}", hang)
        with pytest.raises(errors.Unavailable, match=r"connection refused\): start it"):
            compiled(nobody)


def test_a_copy_serves_only_for_its_time(compiled, tmp_path):
    with served(RIGHT) as service:
        compiled(service)
        [copy] = (tmp_path / "saltcellar" / "pillars").iterdir()
        os.utime(copy, (time.time() - 7200, time.time() - 7200))
        service.answering = AWAY["500"]
        assert compiled(service, last_known_good={"max_age": 8000})["saltcellar"]["stale"]
        with pytest.raises(errors.Unavailable, match=r"The earlier copy is 2\.0 h old, more than the allowed 1 h"):
            compiled(service, last_known_good={"max_age": 3600})


def test_304_confirms_the_copy_that_was_asked_about(compiled, tmp_path):
    with served(RIGHT) as service:
        right = compiled(service)
        [copy] = (tmp_path / "saltcellar" / "pillars").iterdir()
        os.utime(copy, (1, 1))
        service.answering = answer("304 Not Modified")
        assert compiled(service) == right
        assert service.headers()["if-none-match"] == '"1"'
        assert time.time() - copy.stat().st_mtime < 5


def test_a_broken_copy_is_no_copy(compiled, tmp_path):
    with served(RIGHT) as service:
        compiled(service)
        [copy] = (tmp_path / "saltcellar" / "pillars").iterdir()
        copy.write_bytes(copy.read_bytes()[:-20])
        service.answering = AWAY["500"]
        with pytest.raises(errors.Unavailable, match="There is no earlier copy"):
            compiled(service)


def test_copies_are_its_owners_alone(compiled, tmp_path):
    with served(RIGHT) as service:
        compiled(service)
    folder = tmp_path / "saltcellar" / "pillars"
    [copy] = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(copy.stat().st_mode)) == (0o700, 0o600)


def test_keeps_its_connection(compiled):
    with served(RIGHT) as service:
        for _ in range(5):
            compiled(service)
        assert service.connections == 1


def test_reads_the_token_file_again_when_it_changes(compiled, tmp_path):
    token = tmp_path / "token"
    with served(RIGHT) as service:
        for written in ("first-token", "second-token-of-another-length"):
            token.write_text(f"{written}\n")
            compiled(service, token=None, token_file=str(token))
            assert service.headers()["authorization"] == f"Bearer {written}"
        token.unlink()
        with pytest.raises(errors.Unauthenticated, match=r"The token file .*token can't be read \(No such"):
            compiled(service, token=None, token_file=str(token))


@pytest.mark.parametrize("node", ["../admin", "a/b", "cellar-1?x", "cellar 1", "", "a..b", "x" * 200, "c\n"])
def test_an_id_that_is_no_id_never_travels(compiled, node):
    with served(RIGHT) as service:
        with pytest.raises(errors.Invalid):
            compiled(service, node)
        assert service.requests == []


def test_grains_are_refused(compiled):
    with served(RIGHT) as service:
        with pytest.raises(errors.Invalid, match="a minion writes its own grains"):
            compiled(service, with_grains=["role"])
        assert service.requests == []


def test_takes_the_arguments_of_salt_3007(compiled):
    with served(RIGHT) as service:
        nested = compiled(
            service, token=None, username="u", password="p", header_dict={"X-More": "1"}, namespace="cellar"
        )
        assert nested["cellar"]["saltcellar"]["node"] == NODE
        assert (service.headers()["authorization"], service.headers()["x-more"]) == ("Basic dTpw", "1")


def salt_3007(minion_id: str, _pillar: dict, url: str) -> dict[str, Any]:
    """What http_json of Salt 3007 did, as far as it matters here."""
    data = salt.utils.http.query(
        url.replace("%s", quote(minion_id)), decode=True, decode_type="json", opts={"http_request_timeout": 2}
    )
    return data.get("dict", {})


@pytest.mark.parametrize("mode", ["500", "503", "304 for another copy", "{}", "another node"])
def test_the_campaign_can_fail(mode):
    """With the behaviour of Salt 3007 the node gets no bots, or another node's, without an error."""
    with served(AWAY[mode]) as service:
        told = salt_3007(NODE, {}, f"{service.url}/pillar/%s")
    with pytest.raises(pillar.NotThisPillar):
        pillar.read(NODE, told)
