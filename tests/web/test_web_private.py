import threading
import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pouring import OWNER, PUB, owner, poured, state, tar

from pillar_service.core.names import BOT_NAME
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import accounts, sign_up
from pillar_service.usecases.service import storage

HOSTILE = [
    "my\n", "my\nextra:\n  cmd.run: []", "{{ 7*7 }}", "{% raw %}", "!!python/object:os.system",
    "../../etc/passwd", "..", "%2e%2e", "mу", "ｍｙ",
    "my\u200b", "my\x00", "x" * 10_240, "", " ", "-my", "my-", "My", "$(id)", "a;b", "\ud800",
    None, 5, [], {"a": 1},
]  # fmt: skip


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["title"]
    return str(answer.json["detail"])


@pytest.fixture
def person(master: FlaskClient) -> str:
    return owner()


@pytest.mark.parametrize(
    "path", ["/pillar/cellar-1", "/agents", "/jobs", "/runs", "/changes", "/nodes", "/machine-orders", "/nope"]
)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic eDp5"])
def test_without_a_masters_token_nothing_is_told(private_app: Any, path: str, header: str | None) -> None:
    answer = private_app.test_client().get(path, headers={"Authorization": header} if header else {})
    assert "token" in problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_health_needs_no_token(private_app: Any) -> None:
    assert private_app.test_client().get("/healthz").json == {"ok": True}


def test_the_pillar_has_a_tag_and_is_sent_only_when_it_changed(master: FlaskClient, person: str) -> None:
    first = master.get("/pillar/cellar-1")
    assert first.json["saltcellar"]["node"] == "cellar-1"
    again = master.get("/pillar/cellar-1", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    poured()
    changed = master.get("/pillar/cellar-1", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert "no node" in problem(master.get("/pillar/cellar-9"), 404)


def test_a_bot_from_asking_to_gone(master: FlaskClient, person: str) -> None:
    made = master.post(
        "/agents", json={"type": "bot", "name": "my", "account": OWNER}, headers={"Idempotency-Key": "1"}
    )
    assert made.status_code == 201
    id, job = made.json["agent"]["id"], made.json["job"]["id"]
    again = master.post(
        "/agents", json={"type": "bot", "name": "my", "account": OWNER}, headers={"Idempotency-Key": "1"}
    )
    assert again.json["job"]["id"] == job
    [run] = master.post("/jobs/claim", json={"master": "salt", "wait": 0}).json["runs"]
    assert master.post(f"/runs/{run['id']}/started", json={"jid": "1"}).json == {}
    assert [held["jid"] for held in master.get("/runs?master=salt").json["runs"]] == ["1"]
    line = {"key": "1", "state_id": f"{id} container", "text": "made"}
    assert master.post(f"/runs/{run['id']}/lines", json={"lines": [line]}).status_code == 200
    result = {"jid": "1", "node": "cellar-1", "return": state(id, pub={"pub_id": PUB}), "success": True, "retcode": 0}
    for _ in range(2):
        assert master.post(f"/runs/{run['id']}/result", json=result).json == {}
    shown = master.get(f"/jobs/{job}?after=0&wait=5").json
    assert (shown["job"]["state"], [told["text"] for told in shown["lines"]]) == ("succeeded", ["made"])
    for key in (id, "my"):
        assert master.get(f"/agents/{key}").json["agent"]["pub_id"] == PUB
    assert master.get("/agents?type=bot&name=my").json["agents"][0]["host"] == "my.butt.nz"
    assert master.patch("/agents/my", json={"desired": "stopped"}).json["job"]["command"] == "bots.stop"
    assert master.patch("/agents/my", json={"description": "Ours"}).json["agent"]["description"] == "Ours"
    assert master.patch("/agents/my", json={"image": "latest"}).json["job"]["command"] == "bots.upgrade"
    gone = master.delete("/agents/my?purge=true")
    assert (gone.status_code, gone.json["agent"]["desired"]) == (202, "absent")


def test_a_person_is_made_with_a_password_only_when_none_was_given(master: FlaskClient) -> None:
    made = master.post("/agents", json={"type": "person", "email": OWNER}).json
    assert made["password"]
    given = master.post("/agents", json={"type": "person", "email": "a@b.c", "password": "long enough"})
    assert "password" not in given.json
    assert "already" in problem(master.post("/agents", json={"type": "person", "email": OWNER}), 409)
    assert len(master.get("/agents?type=person").json["agents"]) == 2
    assert (
        master.patch(f"/agents/{made['agent']['id']}", json={"state": "suspended"}).json["agent"]["state"]
        == "suspended"
    )


def test_an_operator_gives_another_password(master: FlaskClient, person: str) -> None:
    given = master.patch(f"/agents/{person}", json={"password": "new"}).json
    assert accounts.sign_in(OWNER, given["password"], "192.0.2.7").account == person
    assert "'new'" in problem(master.patch(f"/agents/{person}", json={"password": "quince teapot walrus 7"}), 422)


def test_an_operator_says_that_an_address_is_its_owners(master: FlaskClient, person: str) -> None:
    sign_up.register("ann@example.org", "quince teapot walrus 7", "Ann", "192.0.2.7")
    [ann] = master.get("/agents?type=person&email=ann@example.org").json["agents"]
    assert not ann["verified"]
    assert master.patch(f"/agents/{ann['id']}", json={"verified": True}).json["agent"]["verified"]
    assert "true" in problem(master.patch(f"/agents/{ann['id']}", json={"verified": False}), 422)
    problem(master.patch(f"/agents/{ann['id']}", json={"verified": True, "state": "active"}), 422)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:30])
def test_a_hostile_name_is_refused_and_nothing_stored(master: FlaskClient, person: str, name: object) -> None:
    said = problem(master.post("/agents", json={"type": "bot", "name": name, "account": OWNER}), 422)
    assert len(said) < 400
    if name is not None and name != "My":  # a valid node's name
        wrong = {"type": "bot", "name": "ok", "account": OWNER, "node": name}
        assert problem(master.post("/agents", json=wrong), 422)
    assert master.get("/agents?type=bot").json == {"agents": []}
    assert jobs.listed() == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=70), note=st.text(max_size=250))
def test_any_name_and_note_is_good_or_refused(master: FlaskClient, name: str, note: str) -> None:
    if not bots.listed():
        owner()
        poured()
    made = master.post("/agents", json={"type": "bot", "name": name, "account": OWNER, "node": "cellar-9"})
    assert made.status_code == (404 if BOT_NAME.fullmatch(name) else 422)
    asked = master.post("/jobs", json={"command": "bots.invite", "bot": "my", "arguments": {"note": note}})
    assert asked.status_code == (201 if note.isprintable() and len(note) <= 200 else 422)
    if asked.status_code == 201:
        assert asked.json["job"]["arguments"]["note"] == note
    assert master.get(f"/agents/{name}").status_code in (200, 404, 308)
    assert len(bots.listed()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("post", "/agents", [], 422), ("post", "/agents", {"type": "cat"}, 422), ("post", "/agents", {"wrong": 1}, 422),
        ("post", "/agents", {"type": "bot", "name": "a"}, 422),
        ("post", "/agents", {"type": "bot", "email": "a@b.c"}, 422),
        ("post", "/agents", {"type": "person", "email": "\ud800@x.org"}, 422), ("post", "/jobs", {}, 422),
        ("post", "/jobs", {"command": "bots.invite", "bot": "nobody"}, 404), ("put", "/agents", None, 405),
        ("patch", "/agents/x", {"desired": "absent"}, 422), ("patch", "/agents/x", {}, 422),
        ("post", "/jobs/claim", {"wait": "x"}, 422), ("post", "/jobs/claim", {"master": "other"}, 403),
        ("post", "/runs/0/started", {"jid": "1"}, 404), ("get", "/jobs/0", None, 404),
        ("get", "/jobs?state=x", None, 422),
        ("get", "/jobs?limit=0", None, 422), ("get", "/changes?after=x", None, 422),
        ("get", "/agents?name=%00", None, 200),
        ("post", "/nodes", {"id": "../x"}, 422), ("post", "/nodes", {"id": "n", "port_first": 9, "port_last": 3}, 422),
        ("delete", "/agents/x?purge=maybe", None, 422), ("get", "/transfers/x", None, 404),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(master: FlaskClient, method: str, path: str, body: Any, status: int) -> None:
    answer = getattr(master, method)(path, json=body) if body is not None else getattr(master, method)(path)
    if status == 200:
        assert answer.status_code in (200, 422)  # PostgreSQL can't store NUL, SQLite finds none
    else:
        assert problem(answer, status)


def test_what_is_no_json_is_said(master: FlaskClient) -> None:
    problem(master.post("/agents", data="x"), 415)
    problem(master.post("/agents", data="{", content_type="application/json"), 400)


def test_a_change_wakes_who_waits_for_it(master: FlaskClient, person: str) -> None:
    serial = master.get("/changes").json
    assert serial["nodes"] == []

    def later() -> None:
        time.sleep(0.3)
        poured()
        storage.release()

    thread = threading.Thread(target=later)
    start = time.monotonic()
    thread.start()
    told = master.get(f"/changes?after={serial['serial']}&wait=10").json
    assert 0.2 < time.monotonic() - start < 5
    assert told["nodes"] == ["cellar-1"]
    thread.join()
    assert master.get(f"/changes?after={told['serial'] + 100}&wait=0").json["nodes"] == []


def test_a_waiting_claim_hears_of_a_new_job(master: FlaskClient, person: str) -> None:
    poured()
    began = time.monotonic()

    def later() -> None:
        time.sleep(0.2)
        jobs.submit("test", "bots.invites", "my")
        storage.release()

    thread = threading.Thread(target=later)
    thread.start()
    [run] = master.post("/jobs/claim", json={"wait": 30}).json["runs"]
    thread.join()
    assert time.monotonic() - began < 15, "it waited to the end of its time"
    assert run["function"] == "pubs.invites"


def test_an_upload_is_checked(master: FlaskClient) -> None:
    good = master.post("/uploads", data=tar(sequence=4).getvalue(), content_type="application/x-tar")
    assert (good.status_code, good.json["pub_id"], good.json["sequence"]) == (201, PUB, 4)
    assert "fork" in problem(master.post("/uploads", data=tar(**{"flume/log.offset": b""}).getvalue()), 409)
    assert "not a tar" in problem(master.post("/uploads", data=b"x"), 422)


def test_a_tar_that_is_too_large_is_refused(master: FlaskClient, service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_TRANSFER_BYTES", "1000")
    service()
    problem(master.post("/uploads", data=tar().getvalue()), 413)


def test_many_runs_start_and_return_in_one_request_and_each_refusal_is_told_apart(
    master: FlaskClient, person: str
) -> None:
    poured()
    asked = jobs.submit("test", "bots.invites", "my")["job"]["id"]
    [run] = master.post("/jobs/claim", json={"wait": 0}).json["runs"]
    told = master.post("/runs/started", json={"runs": {run["id"]: "1", "0" * 16: "2"}}).json["refused"]
    assert [(id, one["status"], one["title"]) for id, one in told.items()] == [("0" * 16, 404, "Not found")]
    result = {"jid": "1", "node": "cellar-1", "return": [], "success": True, "retcode": 0}
    for _ in range(2):
        told = master.post("/runs/results", json={"results": {run["id"]: result, "0" * 16: result}}).json["refused"]
        assert list(told) == ["0" * 16]
        assert told["0" * 16]["detail"]
    assert master.get(f"/jobs/{asked}").json["job"]["state"] == "succeeded"
    problem(master.post("/runs/results", json={"results": []}), 422)
