import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from pouring import OWNER, PUB, answer, bot, carry_out, event, has_second_factor, operator, owner, poured, report, tar
from visiting import PASSWORD, csrf, sign_in

from pillar_service.core.people import limits, tokens
from pillar_service.usecases.bots import bots, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.service import storage


@pytest.fixture
def person(visitor: FlaskClient) -> str:
    return owner()


def test_the_landing_page_leads_in_and_carries_no_inline_script(visitor: FlaskClient) -> None:
    page = visitor.get("/")
    assert "butt.nz" in page.text
    assert 'href="/sign-in"' in page.text
    assert 'href="/start"' in page.text
    assert "$5</strong> a month" in page.text
    assert not re.search(r"<script(?![^>]* src=)", page.text)
    assert not re.search(r"<style| style=| on[a-z]+=", page.text)


def test_signing_in_shows_the_bots_and_signing_out_ends_it(visitor: FlaskClient, person: str) -> None:
    poured()
    assert visitor.get("/bots").headers["Location"].startswith("/sign-in")
    entered = sign_in(visitor)
    assert entered.headers["Location"] == "/bots"
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = visitor.get("/bots")
    assert "my.butt.nz" in page.text
    assert "#alive" in page.text
    assert visitor.post("/sign-out").status_code == 400
    visitor.post("/sign-out", data={"csrf_token": csrf(page)})
    assert visitor.get("/bots").status_code == 302


def test_a_wrong_password_is_answered_alike_for_everybody(visitor: FlaskClient, person: str) -> None:
    pages = [sign_in(visitor, email, "wrong") for email in (OWNER, "nobody@example.org")]
    assert [page.status_code for page in pages] == [401, 401]
    said = {re.sub(r"value=\"[^\"]*\"", "", page.text) for page in pages}
    assert len(said) == 1


def test_too_many_failures_are_a_429_that_says_how_long(visitor: FlaskClient, person: str) -> None:
    for _ in range(limits.PAIR):
        sign_in(visitor, password="wrong")
    page = sign_in(visitor)
    assert page.status_code == 429
    assert "15 minutes" in page.text


def test_a_form_without_its_token_does_nothing(visitor: FlaskClient, person: str) -> None:
    assert visitor.post("/sign-in", data={"email": OWNER, "password": PASSWORD}).status_code == 400
    assert visitor.get("/bots").status_code == 302


@pytest.mark.parametrize(
    ("next", "goes"),
    [
        ("/bots/my", "/bots/my"),
        ("//evil.test", "/bots"),
        ("/\\evil.test", "/bots"),
        ("https://evil.test", "/bots"),
        ("", "/bots"),
    ],
)
def test_after_signing_in_one_stays_here(visitor: FlaskClient, person: str, next: str, goes: str) -> None:
    assert sign_in(visitor, next=next).headers["Location"] == goes


def test_an_invite_is_a_job_whose_page_shows_the_code(visitor: FlaskClient, person: str) -> None:
    poured()
    sign_in(visitor)
    job = jobs.submit(f"account:{person}", "bots.invite", "my", {"uses": 2, "note": "Ann <b>"})["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    waiting = visitor.get(f"/my/jobs/{job}")
    assert 'http-equiv="refresh"' in waiting.text
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, {"id": PUB, "code": "my.butt.nz:20000:@abc~def", "note": "Ann <b>", "uses": 2})
    shown = visitor.get(f"/my/jobs/{job}")
    assert "my.butt.nz:20000:@abc~def" in shown.text
    assert "Ann &lt;b&gt;" in shown.text
    assert "refresh" not in shown.text


def test_another_persons_bot_does_not_exist_but_an_operator_sees_it(visitor: FlaskClient, person: str) -> None:
    owner("other@example.org")
    poured("theirs", email="other@example.org")
    job = jobs.listed()[0]["id"]
    sign_in(visitor)
    same = [visitor.get(path) for path in ("/bots/theirs", "/bots/nothing")]
    assert [page.status_code for page in same] == [404, 404]
    assert visitor.get(f"/my/jobs/{job}").status_code == 404
    boss = operator()
    visitor.delete_cookie("saltcellar")
    sign_in(visitor, "op@example.org")
    assert visitor.get("/bots/theirs/actions").status_code == visitor.get(f"/my/jobs/{job}").status_code == 404
    has_second_factor(boss)
    assert visitor.get("/bots/theirs/actions").status_code == 200
    assert visitor.get(f"/my/jobs/{job}").status_code == 200


def test_the_figures_of_a_bot(visitor: FlaskClient, node: FlaskClient, person: str) -> None:
    id = poured()["id"]
    sent = [event(report(id, uptime_s=3725, memory_bytes=3 * 2**20))]
    taken = node.post("/events", json=sent, content_type="application/cloudevents-batch+json")
    assert (taken.status_code, taken.json["accepted"]) == (202, ["cellar-1/1/1"])
    sign_in(visitor)
    page = visitor.get("/bots").text
    for figure in ("8.0 GiB", "3.0 MiB", "<dd>2</dd>", "#alive"):
        assert figure in page


def test_a_page_that_is_not_there_helps(visitor: FlaskClient) -> None:
    page = visitor.get("/nope")
    assert page.status_code == 404
    assert "nothing at this address" in page.text
    assert 'href="/"' in page.text


def test_without_a_database_the_page_says_so(
    visitor: FlaskClient, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = csrf(visitor.get("/sign-in"))
    monkeypatch.setenv("CELLAR_DATABASE", "sqlite:////nowhere/at/all.sqlite")
    service()
    storage.prepare()
    page = visitor.post("/sign-in", data={"email": OWNER, "password": PASSWORD, "csrf_token": token})
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    assert "does not answer" in page.text


@pytest.mark.parametrize("token", [None, "x", "cellar-1:0", "cellar-2:{}"])
def test_the_door_takes_a_nodes_own_token_alone(visitor: FlaskClient, public_app: Any, token: str | None) -> None:
    right = tokens.node_token(public_app.secret_key, "cellar-1").rpartition(":")[2]
    headers = {"Authorization": f"Bearer {token.format(right)}"} if token else {}
    for method, path in (("post", "/events"), ("put", "/transfers/1"), ("get", "/transfers/1")):
        refused = getattr(visitor, method)(path, headers=headers)
        assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")


def test_a_token_of_a_node_that_is_not_there_opens_nothing(visitor: FlaskClient, public_app: Any) -> None:
    token = tokens.node_token(public_app.secret_key, "cellar-9")
    assert visitor.get("/transfers/1", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_an_exported_tar_comes_in_and_an_imported_one_goes_out(node: FlaskClient, person: str) -> None:
    poured()
    job = jobs.submit("test", "bots.export", "my")["job"]["id"]
    assert node.put(f"/transfers/{job}", data=tar().getvalue()).status_code == 409
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    sent = tar(sequence=9).getvalue()
    kept = node.put(f"/transfers/{job}", data=sent, content_type="application/x-tar")
    assert (kept.status_code, kept.json["size"]) == (201, len(sent))
    answer(run, {"pub_id": PUB, "sequence": 9})
    assert node.get(f"/transfers/{job}").status_code == 404
    bots.delete("test", "my", purge=False)
    carry_out()
    upload = transfers.upload("test", io.BytesIO(sent))
    made = bot("again", upload=upload["upload"])
    fetched = node.get(f"/transfers/{made['job']['id']}")
    assert (fetched.status_code, fetched.data, fetched.mimetype) == (200, sent, "application/x-tar")


def test_what_is_no_batch_is_refused(node: FlaskClient) -> None:
    assert node.post("/events", json=[]).status_code == 415
    for wrong in (b"{", b"{}", b'"x"'):
        refused = node.post("/events", data=wrong, content_type="application/cloudevents-batch+json")
        assert refused.status_code in (400, 422)
        assert refused.mimetype == "application/problem+json"
