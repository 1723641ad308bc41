"""Events at the nodes' door: taken only if signed with the minion's key, and never as another node's."""

import base64
import gzip
import hmac
import json
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from eventful import alive, key, known, public, send, token, told
from flask import Flask
from flask.testing import FlaskClient
from pouring import owner

from pillar_service.core.events.submission import MEDIA_TYPE, Answer
from pillar_service.core.nodes import signatures
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.store import database
from pillar_service.store.database import transaction
from pillar_service.store.events import events
from pillar_service.store.nodes import nodes as rows
from pillar_service.store.nodes import standings
from pillar_service.web import door

EVERY = events.Which(events.Filter())


@pytest.fixture
def minion(public_app: Flask) -> FlaskClient:
    """A client; the keys of cellar-1 and of another account's node are known."""
    known()
    known("ann-1", owner())
    return public_app.test_client()


def nothing() -> bool:
    return events.page(EVERY, 1) == []


def test_a_signed_batch_is_taken(minion: FlaskClient) -> None:
    answer = send(minion, [told(1), alive(2)])
    assert answer.status_code == 202
    assert Answer.read(answer.json).accepted == {"cellar-1/1/1", "cellar-1/1/2"}
    assert send(minion, [], body=json.dumps([told(3)]).encode(), encoding="identity").status_code == 202
    assert [one.sequence for one in events.page(EVERY, 10)] == [3, 2, 1]
    standing = standings.find("cellar-1")
    assert (standing.state, standing.spool["waiting"], standing.versions["salt"]) == ("here", 7, "3008.3")
    assert abs(standing.offset_s) < 5


def test_a_request_that_comes_once_more_changes_nothing(minion: FlaskClient) -> None:
    body = gzip.compress(json.dumps([told(1), told(2)]).encode())
    signed = token("cellar-1", body)
    answers = [send(minion, [], body=body, token=signed).json for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(events.page(EVERY, 10)) == 2


def request(number: int, epoch: int, *sequences: int) -> tuple[bytes, str]:
    """The body and the token of a request of cellar-1."""
    body = gzip.compress(json.dumps([told(n) for n in sequences]).encode())
    return body, token("cellar-1", body, ep=epoch, n=number)


def test_a_request_from_before_the_last_is_refused_and_nothing_of_it_is_kept(minion: FlaskClient) -> None:
    bring = lambda body, signed: send(minion, [], body=body, token=signed)  # noqa: E731
    late, last = request(4, 7, 1), request(5, 7, 2)
    assert [bring(*last).status_code for _ in range(2)] == [202, 202]
    answer = bring(*late)
    assert (answer.status_code, "send what is waiting in a new one" in answer.text) == (409, True)
    assert [one.sequence for one in events.page(EVERY, 10)] == [2]
    # A lower epoch is accepted if it is new: the node may have lost its disk and not know the time.
    assert [bring(*request(n, 3, n)).status_code for n in (8, 9)] == [202, 202]
    assert [bring(*request(n, ep, 10)).status_code for n, ep in ((8, 3), (4, 7))] == [409, 409]


@pytest.mark.parametrize("claims", [{"ep": None}, {"n": None}, {"n": -1}, {"n": "x"}, {"ep": 1.5}, {"n": True}])
def test_a_request_that_does_not_say_which_it_is_is_not_taken(minion: FlaskClient, claims: dict[str, Any]) -> None:
    body = gzip.compress(json.dumps([told(1)]).encode())
    assert send(minion, [], body=body, token=token("cellar-1", body, **claims)).status_code == 401
    assert nothing()


def test_clocks_decide_nothing(minion: FlaskClient) -> None:
    for n, at in enumerate((0, 5e9, time.time() + 86_400), 1):
        body = gzip.compress(json.dumps([told(n)]).encode())
        assert send(minion, [], body=body, token=token("cellar-1", body, iat=int(at), exp=1)).status_code == 202
    assert standings.find("cellar-1").offset_s == pytest.approx(86_400, abs=5)


def forged() -> dict[str, Callable[[bytes], str]]:
    """Tokens that cellar-1's key did not make for this body."""

    def header(told: Any, body: bytes, signature: bytes | None = None) -> str:
        parts = [json.dumps(one).encode() for one in (told, signatures.claims("cellar-1", body, 0, 1, 1))]
        written = b".".join(base64.urlsafe_b64encode(one).rstrip(b"=") for one in parts)
        mac = signature if signature is not None else hmac.digest(public("cellar-1").encode(), written, "sha256")
        return (written + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()

    def by(algorithm: str, **more: Any) -> Callable[[bytes], str]:
        said = lambda body: signatures.claims("cellar-1", body, 0, 1, 1)  # noqa: E731
        return lambda body: jwt.encode(said(body), key("cellar-1"), algorithm, {"kid": "cellar-1", **more})

    return {
        "alg none": lambda body: header({"alg": "none", "kid": "cellar-1"}, body, b""),
        "HS256 with the public key": lambda body: header({"alg": "HS256", "kid": "cellar-1"}, body),
        "RS256 with the MAC of the public key": lambda body: header({"alg": "RS256", "kid": "cellar-1"}, body),
        "PS256": by("PS256"),
        "RS512": by("RS512"),
        "another node's key": lambda body: token("cellar-1", body, signer="ann-1"),
        "a stranger's key": lambda body: token("cellar-1", body, signer="stranger"),
        "kid of nobody": lambda body: token("nobody", body, signer="cellar-1", sub="cellar-1"),
        "kid of another": lambda body: token("ann-1", body, signer="cellar-1", sub="cellar-1"),
        "kid of one, sub of another": lambda body: token("ann-1", body, sub="cellar-1"),
        "kid that is no text": lambda body: header({"alg": "RS256", "kid": 7}, body),
        "kid that is SQL": by("RS256", kid="x' OR '1'='1"),
        "kid with a NUL": by("RS256", kid="cellar-1\x00"),
        "key in the header": lambda body: jwt.encode(
            signatures.claims("cellar-1", body, 0, 1, 1),
            key("stranger"),
            "RS256",
            {"kid": "cellar-1", "jwk": {"kty": "RSA"}, "x5u": "http://127.0.0.1/"},
        ),
        "another audience": lambda body: token("cellar-1", body, aud="other"),
        "no audience": lambda body: token("cellar-1", body, aud=None),
        "another body's hash": lambda body: token("cellar-1", body + b" "),
        "the hash of the unpacked body": lambda body: token("cellar-1", gzip.decompress(body)),
        "no hash": lambda body: token("cellar-1", body, bh=None),
        "unknown critical header": by("RS256", crit=["x"], x=1),
        "header that is a list": lambda body: "WyJraWQiXQ.b.c",
        "header that is nested deep": lambda body: base64.urlsafe_b64encode(b"[" * 3000).decode() + ".b.c",
        "header that is no base64": lambda body: "é.b.c",
        "rubbish": lambda body: "a.b.c",
        "empty": lambda body: "..",
        "long": lambda body: token("cellar-1", body, x="x" * 5000),
    }  # fmt: skip


@pytest.mark.parametrize("how", forged())
def test_what_is_not_signed_by_that_nodes_key_is_not_taken(minion: FlaskClient, how: str) -> None:
    body = gzip.compress(json.dumps([told(1), told(2, node="ann-1")]).encode())
    answer = send(minion, [], body=body, token=forged()[how](body))
    assert answer.status_code == 401, answer.text
    assert nothing()
    assert standings.find("cellar-1") is None
    assert rows.find("cellar-1").last_seen is None


@pytest.mark.parametrize("state", [KeyState.REVOKED, KeyState.NONE])
def test_a_revoked_key_signs_nothing(minion: FlaskClient, state: KeyState) -> None:
    assert send(minion, [told(1)]).status_code == 202
    with transaction():
        rows.set_key("cellar-1", rows.find("cellar-1").public_key, state, time.time())
    assert send(minion, [told(2)]).status_code == 401
    assert len(events.page(EVERY, 10)) == 1


def test_a_new_key_ends_the_one_before(minion: FlaskClient) -> None:
    from pillar_service.usecases.nodes import nodes

    nodes.set_key("test", "cellar-1", public("next"))
    body = gzip.compress(json.dumps([told(1)]).encode())
    assert send(minion, [], body=body).status_code == 401
    assert send(minion, [], body=body, token=token("cellar-1", body, signer="next")).status_code == 202


@pytest.mark.parametrize(
    "claimed",
    [
        {"source": "ann-1"},
        {"id": "ann-1/1/1"},
        {"source": "ann-1", "id": "ann-1/1/1"},
        {"data": {"node": "ann-1", "account": "x", "id": "ann-1"}},
        {"node": "ann-1", "account": "x", "cellarnode": "ann-1"},
        {"subject": "ann-1"},
    ],
)
def test_nothing_in_an_event_decides_whose_it_is(minion: FlaskClient, claimed: dict[str, Any]) -> None:
    assert send(minion, [told(1) | claimed]).status_code == 202
    found = events.page(EVERY, 10)
    assert {one.node for one in found} <= {"cellar-1"}
    assert {one.account for one in found} <= {None}
    assert events.story("ann-1", None, 10) == []


def test_the_nodes_own_token_brings_health_alone(node: FlaskClient) -> None:
    answer = node.post("/events", json=[told(1)], content_type=MEDIA_TYPE)
    assert answer.status_code == 202
    assert answer.json["accepted"] == []
    assert "only good for health reports" in answer.json["refused"][0]["why"]
    assert nothing()


def test_a_signed_token_opens_no_other_door(minion: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {token('cellar-1', b'')}"}
    assert minion.post("/capacities", json={"has": [], "slots": 1}, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        gzip.compress(b"[]")[:-4],
        gzip.compress(b"[]") + b"more",
        gzip.compress(b"[]") * 2,
        gzip.compress(b"{}"),
        gzip.compress(b"[" * 100_000),
        gzip.compress(b"[" + b"9" * 5000 + b"]" * 2),
        gzip.compress(b"\xff\xfe"),
    ],
    ids=["empty", "not packed", "cut", "more behind", "twice", "a mapping", "deep", "a long number", "no text"],
)
def test_what_is_no_batch_is_refused(minion: FlaskClient, body: bytes) -> None:
    assert send(minion, [], body=body).status_code == 422
    assert nothing()


def test_a_bomb_is_not_unpacked(minion: FlaskClient) -> None:
    bomb = gzip.compress(b"[" + b" " * (300 << 20) + b"]")
    tracemalloc.start()
    answer = send(minion, [], body=bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert most < 64 << 20


def test_what_is_too_large_or_packed_otherwise_is_not_read(minion: FlaskClient) -> None:
    assert send(minion, [], body=b"[" + b" " * door.LARGEST_BATCH + b"]", encoding="identity").status_code == 413
    assert send(minion, [], body=b"[]", encoding="br").status_code == 415


def test_a_hundred_requests_at_once(minion: FlaskClient, public_app: Flask) -> None:
    """Each of ten batches is sent ten times at once: it is stored once, and each request gets the same answer."""
    bodies = [
        gzip.compress(json.dumps([told(n) for n in range(start, start + 5)]).encode()) for start in range(1, 51, 5)
    ]
    answers: list[tuple[int, Any]] = []

    def bring(body: bytes) -> None:
        answer = send(public_app.test_client(), [], body=body)
        answers.append((answer.status_code, len(answer.json.get("accepted", ()))))
        database.release()

    threads = [threading.Thread(target=bring, args=(body,)) for body in bodies * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert answers == [(202, 5)] * 100
    assert [one.sequence for one in events.story("cellar-1", None, 100)] == list(range(50, 0, -1))


def test_a_nodes_pillar_says_that_signed_requests_are_taken(minion: FlaskClient) -> None:
    from pillar_service.usecases.nodes import nodes, pillars

    def service(node: str) -> dict[str, str]:
        return dict(json.loads(pillars.ready(node)[0])["saltcellar"]["service"])

    nodes.add("test", "cellar-2")
    assert service("cellar-1")["auth"] == signatures.MINION_KEY
    assert "auth" not in service("cellar-2")
