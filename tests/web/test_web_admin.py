"""The operators' pages in a browser."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backing_up import kept_in
from enrolling import enrol, key, master_is_there
from flask.testing import FlaskClient
from pouring import OWNER, PUB, answer, bot, event, poured, report, tar
from trails import trail
from visiting import OPERATOR, PASSWORD, SecondFactors, come_as, csrf

from pillar_service.core.people.agents import Belonging
from pillar_service.store import database
from pillar_service.store.bots import transfers as tars
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.people import agents, mails
from pillar_service.store.people import second_factor as second_factors
from pillar_service.usecases.bots import bots, health, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import enrolment_tokens, nodes
from pillar_service.usecases.payments import payments
from pillar_service.usecases.people import accounts, leaving
from pillar_service.usecases.service import backup_rounds, masters

CODE = f"my.butt.nz:20000:{PUB}~{'c' * 43}="

PAGES = ("", "/fleet", "/accounts", "/bots", "/nodes", "/jobs", "/events", "/reports", "/audit", "/search")


def without_token(page: Any) -> str:
    """A page's text without the CSRF token and the request's number, which change."""
    return re.sub(r'name="csrf_token" value="[^"]*"|Number <code>[0-9a-f]+</code>', "", page.text)


def every_address(visitor: FlaskClient) -> list[tuple[str, str]]:
    """The method and address of each operators' route."""
    found = []
    for rule in visitor.application.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            path = rule.rule.replace("<id>", "x")
            found += [(method, path) for method in rule.methods or () if method not in ("HEAD", "OPTIONS")]
    assert len(found) > 15
    return found


def test_there_is_nothing_here_for_who_is_no_operator(
    visitor: FlaskClient, someone: str, second_factor: SecondFactors
) -> None:
    id = str(accounts.create("test", OPERATOR, password=PASSWORD, role="operator")[0]["id"])
    accounts.set_state("test", OPERATOR, "suspended")
    for email, account in ((None, ""), (OWNER, someone), (OPERATOR, id)):
        if email:
            come_as(visitor, email)
            second_factor.add(account)
        for method, path in every_address(visitor):
            page = visitor.open(path, method=method)
            nothing = visitor.open("/admin/there/is/no/such/thing", method=method)
            assert (page.status_code, without_token(page)) == (404, without_token(nothing)), (email, method, path)
        for method in ("OPTIONS", "DELETE", "HEAD"):
            assert visitor.open("/admin/jobs", method=method).status_code == 404


def test_an_operator_without_a_second_factor_is_told_to_turn_it_on(
    visitor: FlaskClient, operator: str, second_factor: SecondFactors
) -> None:
    assert visitor.get("/admin").status_code == 200
    second_factor.drop(operator)
    for method, path in every_address(visitor):
        page = visitor.open(path, method=method)
        assert page.status_code == 403
        assert '<a class="button" href="/account/second-factor">' in page.text
        assert "owners" not in page.text
        assert "Turn on two-factor sign-in" in page.text


def test_every_page_is_there_while_there_is_nothing(visitor: FlaskClient, operator: str) -> None:
    for path in PAGES:
        page = visitor.get(f"/admin{path}")
        assert page.status_code == 200, path
        assert "<script" not in page.text.replace("<script src=", "")
        assert "style=" not in page.text


def test_the_pages_of_what_is_there(visitor: FlaskClient, operator: str, someone: str) -> None:
    mine = poured()
    health.take("cellar-1", [event(report(mine["id"], memory_bytes=3 * 2**20))])
    masters.new_token("test", "salt")
    job = jobs.listed()[0]["id"]
    shown = {
        "/admin": ("SQLite", "PostgreSQL", "salt", "Queued"),
        "/admin/fleet": ("<svg", "1 alive", "3.0 MiB", "1 succeeded"),
        "/admin/accounts": (OWNER, OPERATOR),
        f"/admin/accounts/{someone}": (OWNER, "my", "bots.create", "accounts.create"),
        "/admin/bots": ("my", "#alive", "cellar-1"),
        f"/admin/bots/{mine['id']}": (PUB, OWNER, "bots.create"),
        "/admin/nodes": ("cellar-1", "1 of 20", "answers"),
        "/admin/nodes/cellar-1": ("20000–20019", "my", "None."),
        "/admin/jobs": ("bots.create", job),
        f"/admin/jobs/{job}": ("bots.create", "Ask for it again", PUB),
        "/admin/reports": ("my", "healthy", "3.0 MiB"),
        "/admin/audit": ("bots.create", "jobs.succeeded"),
    }
    for path, words in shown.items():
        page = visitor.get(path)
        assert page.status_code == 200, path
        missing = [word for word in words if word not in page.text]
        assert missing in ([], ["SQLite"], ["PostgreSQL"]), path
        assert len(page.data) < 150_000


def test_the_audit_and_jobs_name_people_and_bots_by_what_they_are_called(
    visitor: FlaskClient, operator: str, someone: str
) -> None:
    mine = poured()
    job = jobs.submit(f"account:{someone}", "bots.restart", "my")["job"]["id"]
    accounts.create("test", "gone@example.org", password=PASSWORD)
    gone = accounts.found("gone@example.org").id
    leaving.delete(gone, "gone@example.org", PASSWORD, None)
    who = f'title="account:{someone}">{OWNER}</a>'
    bot = f'title="agent:{mine["id"]}">my</a>'
    for path in ("/audit", f"/accounts/{someone}", f"/search?q={someone}&kind=audit"):
        page = visitor.get(f"/admin{path}").text
        assert (who in page, bot in page) == (True, True), path
    for path in ("/jobs", f"/jobs/{job}", "/search?q=bots.restart&kind=jobs"):
        assert who in visitor.get(f"/admin{path}").text, path
    assert f">account:{gone}</a>" in visitor.get("/admin/audit").text
    assert "#gone" in visitor.get("/admin/accounts").text
    page = visitor.get(f"/admin/accounts/{gone}").text
    assert ("#gone" in page, "Suspend…" in page, "Mark as paid" in page) == (True, False, False)


def test_what_is_not_there_is_a_page(visitor: FlaskClient, operator: str) -> None:
    for path in ("accounts", "bots", "nodes", "jobs"):
        assert visitor.get(f"/admin/{path}/0123456789abcdef").status_code == 404
        assert visitor.get(f"/admin/{path}/%00").status_code in (404, 422)


def test_an_account_is_suspended_after_a_question_and_for_a_reason(
    visitor: FlaskClient, operator: str, someone: str
) -> None:
    poured()
    path = f"/admin/accounts/{someone}/suspend"
    asked = visitor.get(path)
    assert "my.butt.nz" in asked.text
    assert accounts.show(someone)["state"] == "active"
    assert visitor.post(path, data={"reason": "spam"}).status_code == 400
    assert visitor.post(path, data={"reason": " ", "csrf_token": csrf(asked)}).status_code == 422
    assert accounts.show(someone)["state"] == "active"
    done = visitor.post(path, data={"reason": "spam <b>", "csrf_token": csrf(asked)}, follow_redirects=True)
    assert "is now suspended; 1 bot is being told" in done.text
    assert "spam &lt;b&gt;" in done.text
    assert accounts.show(someone)["state"] == "suspended"
    said = [(row["actor"], row["detail"]) for row in trail(f"agent:{someone}")]
    assert (f"account:{operator}", "spam <b>") in said
    visitor.post(f"/admin/accounts/{someone}/resume", data={"reason": "talked", "csrf_token": csrf(asked)})
    assert accounts.show(someone)["state"] == "active"


def test_a_lost_second_factor_is_turned_off_for_a_reason(
    visitor: FlaskClient, operator: str, someone: str, second_factor: SecondFactors
) -> None:
    path = f"/admin/accounts/{someone}/second-factor-off"
    assert path not in visitor.get(f"/admin/accounts/{someone}").text
    second_factor.add(someone)
    assert path in visitor.get(f"/admin/accounts/{someone}").text
    asked = visitor.get(path)
    assert visitor.post(path, data={"reason": " ", "csrf_token": csrf(asked)}).status_code == 422
    assert second_factors.find(someone)
    done = visitor.post(path, data={"reason": "lost it", "csrf_token": csrf(asked)}, follow_redirects=True)
    assert "by password alone" in done.text
    assert second_factors.find(someone) is None
    assert mails.Mail.get().recipient == OWNER
    said = [(row["actor"], row["action"], row["detail"]) for row in trail(f"agent:{someone}")]
    assert (f"account:{operator}", "accounts.second_factor_off", "lost it") in said
    own = f"/admin/accounts/{operator}/second-factor-off"
    assert visitor.post(own, data={"reason": "me", "csrf_token": csrf(asked)}).status_code == 409


def test_nobody_suspends_themselves(visitor: FlaskClient, operator: str) -> None:
    path = f"/admin/accounts/{operator}/suspend"
    page = visitor.post(path, data={"reason": "oops", "csrf_token": csrf(visitor.get(path))})
    assert page.status_code == 409
    assert accounts.show(operator)["state"] == "active"


def test_months_are_marked_paid_once_for_two_presses(visitor: FlaskClient, operator: str, someone: str) -> None:
    page = visitor.get(f"/admin/accounts/{someone}")
    assert "trial" in page.text
    key = re.search(r'name="key"[^>]*value="([0-9a-f]+)"', page.text)
    assert key
    form = {"months": "3", "key": key[1], "csrf_token": csrf(page)}
    one = visitor.post(f"/admin/accounts/{operator}/paid", data={**form, "months": "1", "key": "1"})
    assert "Marked as paid: 1 month." in visitor.get(one.location).text
    assert ">1 month<" in visitor.get(one.location).text
    for _ in range(2):
        assert visitor.post(f"/admin/accounts/{someone}/paid", data=form).status_code == 302
    [paid] = payments.show(someone)["payments"]
    assert paid["kind"] == "paid"
    page = visitor.get(f"/admin/accounts/{someone}")
    assert "3 months" in page.text
    assert paid["id"] in page.text
    for wrong in ("0", "25", "x", ""):
        refused = visitor.post(f"/admin/accounts/{someone}/paid", data={**form, "months": wrong})
        assert refused.status_code == 422
    assert visitor.post(f"/admin/accounts/{someone}/paid", data={"months": "1"}).status_code == 400


def test_months_that_were_marked_by_mistake_are_taken_back_by_a_button(
    visitor: FlaskClient, operator: str, someone: str
) -> None:
    payments.mark_paid("test", someone, 3)
    payments.mark_paid("test", operator, 1)
    until = payments.show(someone)["until"]
    page = visitor.get(f"/admin/accounts/{someone}")
    [path] = re.findall(r'action="([^"]+/take-back)"', page.text)
    assert visitor.post(path).status_code == 400
    for _ in range(2):
        done = visitor.post(path, data={"csrf_token": csrf(page)})
        assert done.status_code == 302
    page = visitor.get(done.location)
    assert ("Taken back" in page.text, "/take-back" in page.text) == (True, False)
    assert payments.show(someone)["until"] < until
    for wrong in ("manual_x", "%00", "x" * 500):
        path = f"/admin/accounts/{someone}/paid/{wrong}/take-back"
        assert visitor.post(path, data={"csrf_token": csrf(page)}).status_code == 404


def test_where_nobody_pays_there_is_no_form(
    visitor: FlaskClient, operator: str, someone: str, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_PRICE_CENTS", "0")
    service()
    assert "takes no payments" in visitor.get(f"/admin/accounts/{someone}").text
    token = csrf(visitor.get(f"/admin/accounts/{someone}/suspend"))
    paid = visitor.post(f"/admin/accounts/{someone}/paid", data={"months": "1", "csrf_token": token})
    assert paid.status_code == 409


def test_a_queued_job_is_cancelled_and_asked_for_again_once(visitor: FlaskClient, operator: str, someone: str) -> None:
    poured()
    job = jobs.submit("test", "bots.restart", "my")["job"]["id"]
    page = visitor.get(f"/admin/jobs/{job}")
    assert "Cancel it" in page.text
    assert visitor.post(f"/admin/jobs/{job}/cancel").status_code == 400
    form = {"csrf_token": csrf(page)}
    assert visitor.post(f"/admin/jobs/{job}/retry", data=form).status_code == 409
    visitor.post(f"/admin/jobs/{job}/cancel", data=form)
    assert jobs.show(job)["job"]["state"] == "cancelled"
    assert visitor.post(f"/admin/jobs/{job}/cancel", data=form).status_code == 409
    again = [visitor.post(f"/admin/jobs/{job}/retry", data=form).headers["Location"] for _ in range(2)]
    assert again[0] == again[1]
    made = jobs.show(again[0].rpartition("/")[2])["job"]
    assert (made["command"], made["state"], made["actor"]) == ("bots.restart", "queued", f"account:{operator}")
    assert visitor.get(again[0]).status_code == 200


def test_a_job_that_runs_is_not_cancelled(visitor: FlaskClient, operator: str, someone: str) -> None:
    poured()
    job = jobs.submit("test", "bots.restart", "my")["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    page = visitor.get(f"/admin/jobs/{job}")
    assert "can&#39;t be cancelled" in page.text or "can't be cancelled" in page.text
    token = csrf(visitor.get(f"/admin/accounts/{someone}/suspend"))
    assert visitor.post(f"/admin/jobs/{job}/cancel", data={"csrf_token": token}).status_code == 409


def test_an_operator_asks_for_no_invite_and_no_export_of_others(
    visitor: FlaskClient, operator: str, someone: str
) -> None:
    poured()
    token = csrf(visitor.get(f"/admin/accounts/{someone}/suspend"))
    for command in ("bots.invite", "bots.export"):
        job = jobs.submit("test", command, "my")["job"]["id"]
        jobs.cancel("test", job)
        shown = visitor.get(f"/admin/jobs/{job}").text
        assert ("Ask for it again" in shown, "ask one of its owners" in shown) == (False, True), command
        page = visitor.post(f"/admin/jobs/{job}/retry", data={"csrf_token": token})
        assert (page.status_code, "second factor" in page.text) == (403, False), command
        assert "ask one of its owners" in page.text
    with database.transaction():
        agents.join(operator, bots.show("my")["id"], Belonging.OWNER)
    own = visitor.post(f"/admin/jobs/{job}/retry", data={"csrf_token": token})
    assert (own.status_code, "with the password" in own.text) == (409, True)
    assert "with the password" in visitor.get(f"/admin/jobs/{job}").text


def test_no_page_shows_the_code_of_an_invite_or_its_note(visitor: FlaskClient, operator: str, someone: str) -> None:
    poured()
    job = jobs.submit("test", "bots.invite", "my", {"uses": 1, "note": "Carol"})["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    runs.add_lines("salt", run["id"], [{"key": "1", "text": f"made {CODE}"}])
    answer(run, {"id": PUB, "code": CODE, "note": "Carol", "uses": 1})
    again = jobs.submit("test", "bots.restart", "my")["job"]["id"]
    with database.transaction():
        job_rows.move(again, "queued", "cancelled", error=f"no {CODE}")
    paths = [f"/admin/jobs/{job}", f"/admin/jobs/{again}", "/admin/jobs", "/admin/audit", "/admin/search?q=my"]
    for path in [*paths, f"/admin/accounts/{someone}", "/admin/bots/my"]:
        page = visitor.get(path)
        assert page.status_code == 200
        assert "c" * 43 not in page.text, path
        assert "Carol" not in page.text, path
        assert "argon2" not in page.text, path
    assert "(hidden)" in visitor.get(f"/admin/jobs/{job}").text


def test_the_charts_take_known_spans_alone(visitor: FlaskClient, operator: str) -> None:
    assert [visitor.get(f"/admin/fleet?days={days}").status_code for days in (1, 7, 30)] == [200, 200, 200]
    for wrong in ("2", "0", "x", "", "-1", "9" * 50):
        assert visitor.get(f"/admin/fleet?days={wrong}").status_code == 422


def test_a_long_job_is_shown_some_lines_at_a_time(visitor: FlaskClient, operator: str, someone: str) -> None:
    bot()
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    runs.add_lines("salt", run["id"], [{"key": str(n), "text": f"line {n:04}."} for n in range(700)])
    path, seen = f"/admin/jobs/{run['jobs'][0]}", []
    while path:
        page = visitor.get(path)
        seen += re.findall(r"line \d{4}\.", page.text)
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = found[1] if found else ""
    assert seen == [f"line {n:04}." for n in range(700)]
    assert visitor.get(f"/admin/jobs/{run['jobs'][0]}?after=x").status_code == 422


def test_a_master_that_asks_for_jobs_is_seen(visitor: FlaskClient, operator: str, master: FlaskClient) -> None:
    assert "<td>never</td>" in visitor.get("/admin").text
    before = time.time()
    assert master.post("/jobs/claim", json={}).status_code == 200
    page = visitor.get("/admin").text
    assert re.search(r"<td>[0-5] s ago</td><td>never</td>", page), page
    assert time.time() - before < 5


def test_an_operator_declares_a_node_lost_and_restores_its_bot(
    visitor: FlaskClient, operator: str, someone: str
) -> None:
    nodes.set_key("test", "cellar-1", key(1).public)
    nodes.add("test", "cellar-2")
    id = poured("my", node="cellar-1")["id"]
    page = visitor.get("/admin/nodes/cellar-1/lost")
    assert "see a fork" in page.text
    token = {"csrf_token": csrf(page)}
    assert visitor.post("/admin/nodes/cellar-1/lost", data=token).status_code == 422
    assert visitor.post("/admin/nodes/cellar-1/lost", data={**token, "typed": "cellar-1"}).status_code == 302
    assert "It was declared lost" in visitor.get("/admin/nodes/cellar-1").text
    assert f"/admin/bots/{id}/restore" in visitor.get(f"/admin/bots/{id}").text
    told = visitor.post(f"/admin/bots/{id}/restore", data={**token, "key": "1"})
    assert (told.status_code, "No export of everything is kept" in told.text) == (404, True)
    with database.transaction():
        made = job_rows.newest(id, "bots.create", "succeeded")
        assert made is not None
        tars.add(
            id="0" * 16, kind="upload", job=made.id, pub_id=PUB, sequence=3, size=1, sha256="0" * 64, created_at=1.0
        )
    transfers.path("0" * 16).write_bytes(tar().getvalue())
    assert "Restore my" in visitor.get(f"/admin/bots/{id}/restore").text
    told = visitor.post(f"/admin/bots/{id}/restore", data={**token, "key": "2"})
    assert (told.status_code, "/admin/jobs/" in told.location) == (302, True)
    assert visitor.post(f"/admin/bots/{id}/restore", data={"key": "3"}).status_code == 400, "without its form's token"


def test_an_operator_lets_a_machine_in_and_cuts_it_off(visitor: FlaskClient, operator: str, someone: str) -> None:
    master_is_there()
    form = {"account": OWNER, "pattern": "shed", "labels": "", "uses": "1", "life": "1h"}
    page = visitor.get("/admin/nodes")
    assert "Tokens for nodes" in page.text
    for wrong in ({"account": "nobody@example.org"}, {"uses": "0"}, {"pattern": "A B"}):
        told = visitor.post("/admin/nodes/tokens", data={**form, **wrong, "csrf_token": csrf(page)})
        assert told.status_code in (404, 422), told.text
    made = visitor.post("/admin/nodes/tokens", data={**form, "csrf_token": csrf(page)})
    secret = made.text.partition("sh -s -- ")[2].partition("<")[0]
    node = enrol(secret)["node"]
    shown = visitor.get(f"/admin/nodes/{node}")
    assert "accepted" in shown.text
    assert someone in shown.text
    terms = {"sharing": "all", "emails": "", "most": "7", "csrf_token": csrf(shown)}
    assert visitor.post(f"/admin/nodes/{node}/terms", data=terms).status_code == 302
    assert "0 of 7" in visitor.get(f"/admin/nodes/{node}").text
    assert visitor.post(f"/admin/nodes/{node}/terms", data={**terms, "most": "x"}).status_code == 422
    for act, said in (("drain", "none: it is being drained"), ("undrain", "welcome")):
        assert visitor.post(f"/admin/nodes/{node}/{act}", data={"csrf_token": csrf(shown)}).status_code == 302
        assert said in visitor.get(f"/admin/nodes/{node}").text
    assert visitor.post(f"/admin/nodes/{node}/rotate", data={"csrf_token": csrf(shown)}).status_code == 302
    assert visitor.post(f"/admin/nodes/{node}/revoke", data={"csrf_token": csrf(shown)}).status_code == 302
    assert "revoked" in visitor.get(f"/admin/nodes/{node}").text
    token = enrolment_tokens.create("test", OWNER)["id"]
    assert visitor.post(f"/admin/nodes/tokens/{token}/revoke", data={"csrf_token": csrf(shown)}).status_code == 302
    assert enrolment_tokens.listed()[0]["state"] == "revoked"
    assert visitor.post(f"/admin/nodes/{node}/revoke").status_code == 400, "without its form's token"


def test_the_first_page_tells_of_a_backup_that_failed(
    visitor: FlaskClient, operator: str, service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "CELLAR_BACKUP_REPOSITORY" in visitor.get("/admin").text
    kept_in(str(tmp_path / "repository"), tmp_path, service, monkeypatch)
    (tmp_path / "etc" / "password").chmod(0o644)
    assert backup_rounds.step()
    page = visitor.get("/admin").text
    assert "The last backup failed." in page
    assert "chmod o=" in page
    assert "CELLAR_BACKUP_REPOSITORY" not in page
