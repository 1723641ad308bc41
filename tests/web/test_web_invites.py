"""The invites tab: from a click to a code, its QR code, its use and its end."""

import re
import threading
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, answer, carry_out, has_second_factor, operator, owner, poured
from trails import trail
from visiting import csrf, send, signed_in, somebody

from pillar_service.core.bots.invites import STALE_S, Entry
from pillar_service.core.bots.invites import made as read
from pillar_service.core.people.agents import Desired
from pillar_service.store import database
from pillar_service.store.bots import invites as rows
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.usecases.bots import bots, invites
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.people import accounts

ID = "@" + "C" * 43 + "=.ed25519"
OTHER = "@" + "E" * 43 + "=.ed25519"
FEED = "@" + "D" * 43 + "=.ed25519"
CODE = "my.butt.nz:20000:@abc.ed25519~def"


@pytest.fixture
def ann(public_app: Flask) -> FlaskClient:
    """The owner of a living bot, signed in."""
    owner()
    poured()
    return signed_in(public_app, OWNER)


def entry(id: str = ID, **more: Any) -> dict[str, Any]:
    """An invite as the pub lists it."""
    told = {"id": id, "note": "Ann", "uses": 1, "used": 0, "remaining": 1, "state": "unused", "used_by": []}
    return told | {"created": "2026-11-21T06:00:00.000Z", "revoked_at": None} | more


def run_next(returned: Any, success: bool = True, retcode: int = 0) -> str:
    """Let the node return this for the next run; return the run's function."""
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, returned, success=success, retcode=retcode)
    return str(run["function"])


def made(ann: FlaskClient, note: str = "Ann", uses: int = 1) -> None:
    """Ask for an invite and let it be made."""
    send(ann, "/bots/my/invites/make", note=note, uses=str(uses))
    assert run_next({"id": ID, "code": CODE, "note": note, "uses": uses}) == "pubs.invite"


def age(seconds: float) -> None:
    """Let time pass for the jobs and for the copy of the ledger."""
    with database.transaction():
        job_rows.Job.update(
            created_at=job_rows.Job.created_at - seconds, started_at=job_rows.Job.started_at - seconds
        ).execute()
        rows.Invite.update(seen_at=rows.Invite.seen_at - seconds).execute()


def invite() -> Any:
    return rows.Invite.get()


def asked(command: str) -> list[dict[str, Any]]:
    return [job for job in jobs.listed(bot="my") if job["command"] == command]


def test_opening_the_page_asks_the_pub_once_and_shows_what_it_told(ann: FlaskClient) -> None:
    page = ann.get("/bots/my/invites")
    assert "has not reported its invites" in page.text
    assert 'hx-trigger="every 2s"' in page.text
    ann.get("/bots/my/invites")
    assert len(asked("bots.invites")) == 1
    told = [
        entry(note="Carol"),
        entry(OTHER, note="Bob", uses=3, used=3, used_by=[{"id": FEED, "at": "2026-11-21T06:30:00.000Z"}]),
    ]
    assert run_next(told) == "pubs.invites"
    page = ann.get("/bots/my/invites").text
    assert "hx-get" not in page
    assert page.index("Unused</h2>") < page.index("Carol") < page.index("Used</h2>") < page.index("Bob")
    assert FEED in page
    assert "As the pub reported 0 s ago" in page
    assert "not known here" in page  # Carol's invite was not made on this page.
    assert len(asked("bots.invites")) == 1
    age(STALE_S + 1)
    ann.get("/bots/my/invites")
    assert len(asked("bots.invites")) == 2


def test_while_nothing_can_be_written_the_page_shows_the_copy(ann: FlaskClient) -> None:
    ann.get("/bots/my/invites")
    run_next([entry(note="Carol")])
    age(STALE_S + 1)
    holds, shown = threading.Event(), threading.Event()

    def hold() -> None:
        with database.transaction():
            holds.set()
            shown.wait(30)
        database.release()

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(5)
    page = ann.get("/bots/my/invites")
    shown.set()
    holder.join(10)
    assert (page.status_code, "Carol" in page.text) == (200, True)
    assert len(asked("bots.invites")) == 1
    ann.get("/bots/my/invites")
    assert len(asked("bots.invites")) == 2


def test_the_waiting_page_follows_and_is_sent_nothing_while_nothing_changes(ann: FlaskClient) -> None:
    page = ann.get("/bots/my/invites").text
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found
    address = found[1].replace("&amp;", "&")
    assert ann.get(address).status_code == 204
    [run] = claims.claim("salt")["runs"]
    moved = ann.get(address)
    assert moved.status_code == 200
    assert "hx-get" in moved.text
    assert "<html" not in moved.text
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, [entry(note="Carol")])
    last = ann.get(address).text
    assert "Carol" in last
    assert "hx-get" not in last
    assert len(asked("bots.invites")) == 1


def test_from_a_name_to_a_code_that_can_be_copied_and_scanned(ann: FlaskClient) -> None:
    page = ann.get("/bots/my/invites")
    run_next([])
    once = re.search(r'name="once"[^>]*value="([^"]+)"', page.text)
    assert once
    for _ in range(2):  # a double click
        going = send(ann, "/bots/my/invites/make", note="Ann <b>", uses="1", once=once[1])
        assert going.headers["Location"] == "/bots/my/invites"
    assert len(asked("bots.invite")) == 1
    assert "is being made" in ann.get("/bots/my/invites").text
    run_next({"id": ID, "code": CODE, "note": "Ann <b>", "uses": 1})
    page = ann.get("/bots/my/invites").text
    assert CODE in page
    assert "<h3>Ann &lt;b&gt;</h3>" in page
    assert f'data-copy="code-{invite().id}" hidden' in page
    assert ann.get("/static/copy.js").status_code == 200
    qr = ann.get(f"/bots/my/invites/{invite().id}/qr.svg")
    assert (qr.status_code, qr.mimetype) == (200, "image/svg+xml")
    assert qr.data.startswith(b"<?xml")
    assert b"<script" not in qr.data
    assert f'src="/bots/my/invites/{invite().id}/qr.svg"' in page
    # Another name from the same page, after 'back', makes another invite.
    send(ann, "/bots/my/invites/make", note="Bob", uses="1", once=once[1])
    assert len(asked("bots.invite")) == 2


def test_a_used_up_invite_says_by_whom_and_its_code_is_forgotten(ann: FlaskClient) -> None:
    made(ann)
    assert invite().code == CODE
    ann.get("/bots/my/invites")
    assert run_next([entry(used=1, used_by=[{"id": FEED, "at": "2026-11-21T06:30:00.000Z"}])]) == "pubs.invites"
    page = ann.get("/bots/my/invites").text
    assert FEED in page
    assert "Used</h2>" in page
    assert CODE not in page
    assert invite().code is None
    assert ann.get(f"/bots/my/invites/{invite().id}/qr.svg").status_code == 404


def test_a_half_used_invite_keeps_its_code(ann: FlaskClient) -> None:
    made(ann, uses=2)
    ann.get("/bots/my/invites")
    run_next([entry(uses=2, used=1, used_by=[{"id": FEED, "at": None}])])
    page = ann.get("/bots/my/invites").text
    assert "used by 1" in page
    assert CODE in page


def test_revoking_is_asked_once_and_ends_the_code(ann: FlaskClient) -> None:
    made(ann)
    path = f"/bots/my/invites/{invite().id}/revoke"
    for _ in range(2):
        assert send(ann, path).headers["Location"] == "/bots/my/invites"
    [job] = asked("bots.revoke")
    assert job["arguments"] == {"invite": ID}
    assert "is being revoked" in ann.get("/bots/my/invites").text
    run_next({"id": ID, "state": "revoked"})
    page = ann.get("/bots/my/invites").text
    assert "Revoked</h2>" in page
    assert CODE not in page
    assert send(ann, path).status_code == 409
    assert send(ann, "/bots/my/invites/" + "0" * 16 + "/revoke").status_code == 404


def test_an_older_answer_does_not_undo_what_came_since(ann: FlaskClient) -> None:
    ann.get("/bots/my/invites")
    [look] = claims.claim("salt")["runs"]
    runs.started("salt", look["id"], f"jid-{look['id']}")
    with database.transaction():  # Made while the look was under way.
        rows.add(bots.show("my")["id"], read({"id": ID, "code": CODE, "note": "Ann", "uses": 1}, 1.0), time.time())  # type: ignore[arg-type]
        rows.add(bots.show("my")["id"], Entry(OTHER, "Bob", 1, revoked_at=1.0), time.time())
    answer(look, [entry(OTHER, note="Bob")])
    page = ann.get("/bots/my/invites").text
    assert CODE in page
    assert page.index("Revoked</h2>") < page.index("Bob")


def test_an_invite_that_the_pub_lost_goes_from_the_page(ann: FlaskClient) -> None:
    made(ann)
    ann.get("/bots/my/invites")
    run_next([])
    assert CODE not in ann.get("/bots/my/invites").text
    assert rows.Invite.select().count() == 0


def test_a_pub_that_does_not_answer_is_told_and_asked_again_after_a_minute(ann: FlaskClient) -> None:
    made(ann)
    ann.get("/bots/my/invites")
    run_next("ERROR: The pub does not answer on its control socket (refused).", success=False, retcode=1)
    page = ann.get("/bots/my/invites").text
    assert "could not report its invites" in page
    assert "does not answer" in page
    assert CODE in page
    assert len(asked("bots.invites")) == 1
    age(STALE_S + 1)
    ann.get("/bots/my/invites")
    assert len(asked("bots.invites")) == 2


def test_a_stopped_bot_is_not_asked(ann: FlaskClient) -> None:
    bots.desire("test", "my", Desired.STOPPED)
    carry_out()
    assert ann.get("/bots/my/invites").status_code == 200
    assert asked("bots.invites") == []


@pytest.mark.parametrize("form", [{"uses": "0"}, {"uses": "1001"}, {"uses": "x"}, {"note": "x" * 10_000}])
def test_a_wrong_form_is_shown_again(ann: FlaskClient, form: dict[str, str]) -> None:
    page = send(ann, "/bots/my/invites/make", **({"uses": "1", "note": ""} | form))
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert asked("bots.invite") == []


def test_a_note_that_is_no_line_of_text_is_refused(ann: FlaskClient) -> None:
    assert send(ann, "/bots/my/invites/make", uses="1", note="a\x07b").status_code == 422
    assert asked("bots.invite") == []


def test_a_script_in_a_note_is_text_wherever_it_comes_from(ann: FlaskClient) -> None:
    hostile = "<script>alert(1)</script>"
    made(ann, hostile)
    send(ann, "/bots/my/invites/make", note=hostile, uses="1")
    page = ann.get("/bots/my/invites").text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2


def test_a_code_never_stands_in_the_audit(ann: FlaskClient) -> None:
    made(ann)
    ann.get(f"/bots/my/invites/{invite().id}/qr.svg")
    assert CODE not in str(trail(f"agent:{bots.show('my')['id']}"))
    assert CODE not in ann.get("/bots/my/log?kind=invites").text


def test_many_invites_come_in_pages(ann: FlaskClient) -> None:
    ann.get("/bots/my/invites")
    run_next([entry(f"@{n:043d}=.ed25519", note=f"guest {n}") for n in range(120)])
    pages = [ann.get(f"/bots/my/invites?page={n}") for n in (1, 2, 3, 99)]
    assert [page.text.count("<h3>") for page in pages] == [50, 50, 20, 20]
    assert all(len(page.data) < 150_000 for page in pages)
    assert ann.get("/bots/my/invites?page=x").status_code == 200


def test_a_bot_that_is_gone_leaves_no_invites(ann: FlaskClient) -> None:
    made(ann)
    bots.delete("test", "my", purge=True)
    carry_out()
    assert rows.Invite.select().count() == 0


@pytest.mark.parametrize(
    ("who", "sees", "acts"),
    [
        ("member", 200, 302),
        ("stranger", 404, 404),
        ("nobody", 302, 302),
        ("operator", 200, 403),
        ("suspended owner", 200, 403),
        ("suspended member", 200, 403),
    ],
)
def test_who_may(ann: FlaskClient, public_app: Flask, who: str, sees: int, acts: int) -> None:
    made(ann)
    other, id = somebody(public_app, who), invite().id
    page = other.get("/bots/my/invites")
    assert page.status_code == sees
    may_invite = who == "member"
    assert (CODE in page.text) == may_invite
    assert ('action="/bots/my/invites/make"' in page.text) == may_invite
    assert len(asked("bots.invites")) == (1 if may_invite else 0)
    assert other.get("/bots/my/invites/ledger").status_code == {"nobody": 401}.get(who, sees)
    assert other.get(f"/bots/my/invites/{id}/qr.svg").status_code == (200 if may_invite else acts)
    token = csrf(other.get("/sign-in" if who == "nobody" else "/bots"))
    for path in ("make", f"{id}/revoke"):
        form = {"uses": "1", "note": "", "csrf_token": token}
        done = other.post(f"/bots/my/invites/{path}", data=form)
        assert done.status_code == acts
        if who == "nobody":
            assert done.headers["Location"].startswith("/sign-in")
    assert len(asked("bots.revoke")) == (1 if may_invite else 0)


def test_a_code_is_told_to_nobody_who_may_not_invite(ann: FlaskClient) -> None:
    made(ann)
    op = has_second_factor(operator())
    codes = [invites.ledger(who, "my")["invites"][0]["code"] for who in (op, accounts.show(OWNER)["id"])]
    assert codes == [None, CODE]


def test_a_form_without_its_token_does_nothing(ann: FlaskClient) -> None:
    made(ann)
    for path in ("make", f"{invite().id}/revoke"):
        assert ann.post(f"/bots/my/invites/{path}", data={"uses": "1", "note": ""}).status_code == 400
    assert asked("bots.revoke") == []


def test_an_invite_of_another_bot_is_not_there(ann: FlaskClient) -> None:
    made(ann)
    poured("second")
    assert ann.get(f"/bots/second/invites/{invite().id}/qr.svg").status_code == 404
    assert send(ann, f"/bots/second/invites/{invite().id}/revoke").status_code == 404
