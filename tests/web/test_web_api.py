import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pouring import OTHER_PUB, OWNER, PUB, answer, carry_out, owner, poured, tar
from programs import bearer, problem
from trails import trail
from visiting import PASSWORD, join

from pillar_service.core.people import limits
from pillar_service.core.people.scopes import Scope
from pillar_service.store import database
from pillar_service.store.people import tokens as token_rows
from pillar_service.usecases.bots import bots, transfers
from pillar_service.usecases.jobs import claims, jobs, queue, runs
from pillar_service.usecases.people import tokens


def test_from_registering_to_signing_out(visitor: FlaskClient) -> None:
    known = {"email": "New@example.org", "password": PASSWORD, "name": "New"}
    first = visitor.post("/authentication/register", json=known)
    again = visitor.post("/authentication/register", json=known | {"password": "something else 2"})
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert first.status_code == 202
    signed = visitor.post("/authentication/sign-in", json={"email": "new@example.org", "password": PASSWORD})
    bearer(visitor, signed.json["token"]["secret"])
    assert visitor.get("/agents").json == {"agents": [], "next": None}
    assert visitor.post("/authentication/sign-out").status_code == 204
    assert "This token is unknown" in problem(visitor.get("/agents"), 401)


def test_a_wrong_password_is_answered_alike_for_everybody_and_locked_out_in_the_end(
    visitor: FlaskClient, person: str
) -> None:
    said = {
        problem(visitor.post("/authentication/sign-in", json={"email": email, "password": "wrong"}), 401)
        for email in (OWNER, "nobody@example.org")
    }
    assert len(said) == 1
    for _ in range(limits.PAIR):
        visitor.post("/authentication/sign-in", json={"email": OWNER, "password": "wrong"})
    locked = visitor.post("/authentication/sign-in", json={"email": OWNER, "password": PASSWORD})
    assert "15 minutes" in problem(locked, 429)


def test_a_bot_from_asking_to_gone(api: FlaskClient, person: str) -> None:
    key = {"Idempotency-Key": "once"}
    made = api.post("/agents", json={"name": "my", "description": "Ours"}, headers=key)
    assert made.status_code == 201
    assert api.post("/agents", json={"name": "my", "description": "Ours"}, headers=key).json == made.json
    assert problem(api.post("/agents", json={"name": "other"}, headers=key), 409)
    assert "taken" in problem(api.post("/agents", json={"name": "my"}), 409)
    carry_out()
    id = made.json["agent"]["id"]
    for asked in (id, "my"):
        assert api.get(f"/agents/{asked}").json["agent"]["actual"] == "alive"
    assert api.get("/agents/my/status").json["desired"] == "running"
    assert api.patch("/agents/my", json={"description": "Yours"}).json["agent"]["description"] == "Yours"
    stopped = api.patch("/agents/my", json={"desired": "stopped"}).json
    assert (stopped["agent"]["desired"], stopped["job"]["command"]) == ("stopped", "bots.stop")
    done = api.post("/agents/my/actions/start")
    assert (done.status_code, done.json["job"]["command"]) == (202, "bots.start")
    logs = api.post("/agents/my/actions/logs", json={"arguments": {"lines": 7}}).json["job"]
    assert (logs["arguments"], logs["actor"]) == ({"lines": 7}, f"account:{person}")
    for wrong in ("", "wrong"):
        assert problem(api.delete("/agents/my", json={"password": wrong}), 401)
    assert problem(api.delete("/agents/my"), 422)
    gone = api.delete("/agents/my", json={"password": PASSWORD})
    assert (gone.status_code, gone.json["agent"]["desired"]) == (202, "absent")
    assert [row["actor"] for row in trail(f"agent:{id}")].count(f"account:{person}") >= 6


def test_a_members_program_reads_no_address_but_its_own(visitor: FlaskClient, person: str) -> None:
    poured()
    join(owner("bob@example.org"))
    signed = visitor.post("/authentication/sign-in", json={"email": "bob@example.org", "password": PASSWORD})
    bob = bearer(visitor, signed.json["token"]["secret"])
    answers = (bob.get("/agents"), bob.get("/agents/my"), bob.post("/agents/my/actions/restart"))
    assert [answer.status_code for answer in answers] == [200, 200, 202]
    assert all("bob@example.org" in answer.text and OWNER not in answer.text for answer in answers)


def test_invites(api: FlaskClient) -> None:
    poured()
    assert api.get("/agents/my/invites").json == {"invites": [], "told_at": None}
    made = api.post("/agents/my/invites", json={"uses": 2, "note": "Ann"}).json["job"]
    assert (made["command"], made["arguments"]) == ("bots.invite", {"uses": 2, "note": "Ann"})
    while carry_out():
        pass
    api.post("/agents/my/actions/invites")
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    used = [{"id": OTHER_PUB, "at": "1970-01-01T00:00:09.000Z"}, {"id": PUB, "at": None}]
    answer(
        run, [{"id": PUB, "note": "Ann", "uses": 2, "used": 2, "used_by": used, "created": "1970-01-01T00:00:07.000Z"}]
    )
    assert api.get("/agents/my/invites").json["invites"] == [
        {
            "id": PUB,
            "note": "Ann",
            "state": "used",
            "uses": 2,
            "used": 2,
            "used_by": [{"id": OTHER_PUB, "at": 9.0}, {"id": PUB, "at": None}],
            "created_at": 7.0,
            "revoked_at": None,
        }
    ]
    revoked = api.delete(f"/agents/my/invites/{PUB.replace('/', '%2F')}").json["job"]
    assert (revoked["command"], revoked["arguments"]) == ("bots.revoke", {"invite": PUB})


def test_an_export_is_fetched_by_its_own_bot_alone(api: FlaskClient, person: str) -> None:
    poured()
    assert problem(api.post("/agents/my/export"), 401)
    job = api.post("/agents/my/export", json={"password": PASSWORD}).json["job"]["id"]
    assert problem(api.get(f"/agents/my/export?job={job}"), 404)
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    transfers.deliver("cellar-1", job, tar())
    answer(run, {"pub_id": PUB, "sequence": 3})
    fetched = api.get(f"/agents/my/export?job={job}")
    assert (fetched.data, fetched.mimetype) == (tar().getvalue(), "application/x-tar")
    poured("other")
    assert problem(api.get(f"/agents/other/export?job={job}"), 404)
    assert problem(api.get("/agents/my/export"), 422)


def test_a_deleted_bot_is_listed_and_brought_back(api: FlaskClient) -> None:
    poured()
    key = {"Idempotency-Key": "once"}
    first = api.delete("/agents/my", json={"password": PASSWORD}, headers=key)
    assert api.delete("/agents/my", json={"password": "a code is used up"}, headers=key).json == first.json
    carry_out()
    assert api.get("/agents").json["agents"] == []
    [kept] = api.get("/agents?deleted=true").json["agents"]
    assert kept["purge_at"] > kept["deleted_at"] > 0
    back = api.post(f"/agents/{kept['id']}/bring-back")
    assert (back.status_code, back.json["job"]["command"]) == (202, "bots.bring_back")
    assert api.get("/agents?deleted=true").json["agents"] == []
    assert "not deleted" in problem(api.post(f"/agents/{kept['id']}/bring-back"), 409)


def test_deleted_bots_that_share_a_name_are_each_listed_once(api: FlaskClient) -> None:
    for name in ("my", "my", "my", "your", "a-b", "a"):
        poured(name)
        api.delete(f"/agents/{name}", json={"password": PASSWORD})
        carry_out()
    seen, after = [], ""
    while after is not None:
        page = api.get(f"/agents?deleted=true&limit=2&after={after}").json
        seen += page["agents"]
        after = page["next"]
    assert [bot["name"] for bot in seen] == ["a", "a-b", "my", "my", "my", "your"]
    assert len({bot["id"] for bot in seen}) == 6
    assert [bot["name"] for bot in api.get("/agents?deleted=true&after=my").json["agents"]] == ["your"]


def test_jobs_are_listed_and_cancelled(api: FlaskClient) -> None:
    poured()
    waits = api.post("/agents/my/actions/restart").json["job"]["id"]
    assert [job["id"] for job in api.get("/jobs?state=queued").json["jobs"]] == [waits]
    assert [job["command"] for job in api.get("/jobs?agent=my").json["jobs"]] == ["bots.restart", "bots.create"]
    assert len(api.get("/jobs?limit=1").json["jobs"]) == 1
    assert problem(api.get("/jobs?state=lazy"), 422)
    assert api.post(f"/jobs/{waits}/cancel").json["job"]["state"] == "cancelled"
    assert problem(api.post(f"/jobs/{waits}/cancel"), 409)
    stops = api.post("/agents/my/actions/stop").json["job"]["id"]
    assert "opposite" in problem(api.post(f"/jobs/{stops}/cancel"), 409)


def test_a_job_of_no_bot_is_not_there(api: FlaskClient) -> None:
    poured()
    with database.transaction():
        job = queue.call("test", "nodes.rotate", "cellar-1", "enrolment.rotate", [], {}, time.time())
    for method, path in (("get", f"/jobs/{job.id}"), ("post", f"/jobs/{job.id}/cancel")):
        assert problem(getattr(api, method)(path), 404)
    assert jobs.show(job.id)["job"]["state"] == "queued"


def test_an_export_is_brought_to_life(api: FlaskClient) -> None:
    packed = tar(**{"blobs/large": b"x" * 200_000}).getvalue()  # more than a form may have
    sent = {"data": packed, "content_type": "application/x-tar", "headers": {"Idempotency-Key": "once"}}
    made = api.post("/imports?name=back&description=Again", **sent)
    assert (made.status_code, made.json["job"]["command"]) == (201, "bots.import")
    assert api.post("/imports?name=back&description=Again", **sent).json == made.json
    assert problem(api.post("/imports?name=other", data=b"no tar", content_type="application/x-tar"), 422)
    assert problem(api.post("/imports?name=back", data=packed, content_type="application/x-tar"), 409)
    assert [bot["name"] for bot in bots.listed()] == ["back"]


def test_a_program_that_may_export_needs_no_password(api: FlaskClient, visitor: FlaskClient) -> None:
    poured()
    wanted = {"name": "backup", "scopes": ["export"], "password": PASSWORD}
    bearer(visitor, api.post("/tokens", json=wanted).json["token"]["secret"])
    assert visitor.post("/agents/my/export", json={"kind": "log"}).json["job"]["arguments"] == {"kind": "log"}
    assert visitor.post("/agents/my/export").status_code == 202
    assert problem(visitor.post("/agents/my/export", json={"kind": "soul"}), 422)


def test_lists_are_read_in_parts(api: FlaskClient) -> None:
    for name in ("c", "a", "b"):
        bots.create("test", name, OWNER)
    first = api.get("/agents?limit=2").json
    rest = api.get(f"/agents?limit=2&after={first['next']}").json
    names = [[bot["name"] for bot in part["agents"]] for part in (first, rest)]
    assert (names, rest["next"]) == ([["a", "b"], ["c"]], None)


def test_another_persons_bot_job_and_token_are_not_there(api: FlaskClient) -> None:
    other = owner("other@example.org")
    poured("theirs", email="other@example.org")
    job, token = jobs.listed()[0]["id"], tokens.create(other, "theirs", ["read"])["id"]
    same = [problem(api.get(f"/agents/{name}"), 404) for name in ("theirs", "nothing")]
    assert same[0].replace("theirs", "nothing") == same[1]
    for method, path in [
        ("get", "/agents/theirs/status"), ("post", "/agents/theirs/bring-back"), ("post", "/agents/theirs/actions/stop"),
        ("post", "/agents/theirs/export"), ("get", "/agents/theirs/invites"), ("get", f"/jobs/{job}"),
        ("get", f"/jobs/{job}/lines"), ("delete", f"/tokens/{token}"),
        ("post", f"/jobs/{job}/cancel"), ("get", "/jobs?agent=theirs"),
    ]:  # fmt: skip
        assert problem(getattr(api, method)(path), 404)
    assert problem(api.delete("/agents/theirs", json={"password": PASSWORD}), 404)
    assert "theirs" not in api.get("/agents").text
    assert api.get("/jobs").json == {"jobs": []}
    assert bots.show("theirs")["desired"] == "running"


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_is_good_for_its_scope_and_nothing_else(api: FlaskClient, visitor: FlaskClient, scope: Scope) -> None:
    poured()
    made = api.post("/tokens", json={"name": "ci", "scopes": [scope], "days": 1, "password": PASSWORD}).json["token"]
    bearer(visitor, made["secret"])
    asked = {
        Scope.READ: ("get", "/agents/my"), Scope.OPERATE: ("post", "/agents/my/actions/restart"),
        Scope.EXPORT: ("post", "/agents/my/export"), Scope.ACCOUNT: ("get", "/tokens"),
    }  # fmt: skip
    for needed, (method, path) in asked.items():
        answered = getattr(visitor, method)(path)
        if needed is scope:
            assert answered.status_code < 300
        else:
            assert f"'{needed}'" in problem(answered, 403)


def test_tokens_are_listed_without_secrets_and_end(api: FlaskClient, person: str) -> None:
    wanted = {"name": "ci", "scopes": ["account", "read"], "password": "wrong"}
    assert problem(api.post("/tokens", json=wanted), 401)
    made = api.post("/tokens", json={"name": "ci", "scopes": ["account", "read"], "password": PASSWORD}).json["token"]
    listed = api.get("/tokens")
    assert [(token["name"], token["kind"]) for token in listed.json["tokens"]] == [
        ("ci", "personal"),
        ("signed in", "session"),
    ]
    assert made["secret"] not in listed.text
    program = {"Authorization": f"Bearer {made['secret']}"}
    more = api.post("/tokens", json={"name": "more", "scopes": ["export"], "password": PASSWORD}, headers=program)
    assert "sign in" in problem(more, 403)
    assert api.delete(f"/tokens/{made['id']}").status_code == 204
    assert problem(api.get("/agents", headers=program), 401)
    expired = tokens.create(person, "old", ["read"])
    with database.transaction():
        token_rows.Token.update(expires_at=time.time() - 1).where(token_rows.Token.id == expired["id"]).execute()
    assert problem(api.get("/agents", headers={"Authorization": f"Bearer {expired['secret']}"}), 401)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic eDp5", "Bearer ü"])
def test_without_a_token_nothing_is_told(visitor: FlaskClient, person: str, header: str | None) -> None:
    poured()
    for path in ("/agents", "/agents/my", "/jobs/0", "/jobs/0/lines", "/tokens", "/agents/my/export?job=0"):
        refused = visitor.get(path, headers={"Authorization": header} if header else {})
        assert problem(refused, 401)
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_browsers_session_does_not_open_the_api_nor_a_token_the_pages(visitor: FlaskClient, person: str) -> None:
    page = visitor.get("/sign-in").text
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    form = {"email": OWNER, "password": PASSWORD, "csrf_token": found[1]}
    assert visitor.post("/sign-in", data=form).status_code == 302
    assert visitor.get("/bots").status_code == 200
    assert problem(visitor.get("/agents"), 401)
    assert problem(visitor.post("/agents", json={"name": "my"}), 401)
    visitor.delete_cookie("saltcellar")
    bearer(visitor, tokens.sign_in(OWNER, PASSWORD, None, "x")["secret"])
    assert visitor.get("/bots").status_code == 302


@pytest.mark.parametrize("key", ["access_token", "token", "api_key", "Authorization"])
def test_a_token_in_an_address_is_refused(api: FlaskClient, visitor: FlaskClient, key: str) -> None:
    secret = api.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    assert "header" in problem(api.get("/agents", query_string={key: secret}), 401)
    del visitor.environ_base["HTTP_AUTHORIZATION"]
    assert problem(visitor.get("/agents", query_string={key: secret}), 401)


WRONG: list[tuple[str, str, dict[str, Any], int]] = [
    ("post", "/agents", {"json": {"name": "my", "port": 20000}}, 422), ("post", "/agents", {"json": []}, 422),
    ("post", "/agents", {"json": {"name": 5}}, 422), ("post", "/agents", {"json": {"name": "My"}}, 422),
    ("post", "/agents", {"json": '{"name": "my"}'}, 422), ("post", "/agents", {}, 422),
    ("post", "/agents", {"data": "{", "content_type": "application/json"}, 400),
    ("post", "/agents", {"data": "name=my"}, 415), ("put", "/agents", {}, 405), ("get", "/agents/x/y", {}, 404),
    ("post", "/agents", {"json": {"name": "my", "description": "x" * 70_000}}, 413),
    ("get", "/agents?limit=0", {}, 422), ("get", "/agents?limit=1&limit=2", {}, 422), ("get", "/agents?x=1", {}, 422),
    ("get", "/agents/my/status?x=1", {}, 422), ("patch", "/agents/my", {"json": {}}, 422),
    ("patch", "/agents/my", {"json": {"desired": "absent"}}, 422),
    ("patch", "/agents/my", {"json": {"desired": "stopped", "description": ""}}, 422),
    ("post", "/agents/my/actions/delete", {}, 422), ("post", "/agents/my/actions/logs", {"json": {"x": 1}}, 422),
    ("post", "/agents/my/actions/stop", {"json": {"arguments": {"x": 1}}}, 422),
    ("post", "/agents/my/actions/restart", {"data": "{", "content_type": "application/json"}, 400),
    ("post", "/agents/my/invites", {"json": {"uses": True}}, 422), ("delete", "/agents/my/invites/x", {}, 422),
    ("post", "/agents/my/invites", {"json": {"note": "\ud800"}}, 422), ("get", "/agents/%00", {}, 404),
    ("post", "/tokens", {"json": {"name": "x", "scopes": ["king"]}}, 422), ("get", "/jobs/x", {}, 404),
    ("post", "/tokens", {"json": {"name": "", "scopes": ["read"]}}, 422), ("get", "/tokens/x", {}, 405),
    ("post", "/agents/my/actions/stop", {"headers": {"Idempotency-Key": "x" * 201}}, 422),
]  # fmt: skip


def test_what_is_wrong_is_a_sentence_and_changes_nothing(api: FlaskClient) -> None:
    poured()
    before = len(jobs.listed())
    for method, path, sent, status in WRONG:
        said = problem(getattr(api, method)(path, **sent), status)
        assert 10 < len(said) < 400, (method, path)
        assert said.endswith((".", ").")), (method, path)
    assert (len(jobs.listed()), len(bots.listed())) == (before, 1)


SEAMS = {
    "second_factor": "pillar_service/usecases/people/tokens.py",
    "sign_up": "pillar_service/web/api/authentication.py",
    "pouring": "pillar_service/web/api/agents.py",
    "invites": "pillar_service/web/api/invites.py",
}
"""Use cases that the API must call just as the pages do, and the file that must call them."""


@pytest.mark.parametrize("name", list(SEAMS))
def test_the_api_is_no_way_around_what_the_pages_ask_for(name: str) -> None:
    root = Path(__file__).parent.parent.parent
    [file] = (root / "pillar_service/usecases").glob(f"*/{name}.py")
    asks = rf"^from pillar_service.usecases.{file.parent.name} import (?:.*|\([^)]*)\b{name}\b"
    assert re.search(asks, (root / SEAMS[name]).read_text(), re.M)
