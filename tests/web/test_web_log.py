"""The log tab: what happened, who did it, and what the container wrote, shown as text only."""

import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, answer, carry_out, owner, poured
from visiting import csrf, join, send, signed_in, somebody

from pillar_service.core.people.agents import Desired
from pillar_service.store import database
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.people import accounts, sharing


@pytest.fixture
def ann(public_app: Flask) -> FlaskClient:
    """The owner of a living bot, signed in."""
    owner()
    poured()
    return signed_in(public_app, OWNER)


def rows(page: Any) -> list[str]:
    """The table's rows as text."""
    body = page.text.partition("<tbody>")[2].partition("</tbody>")[0]
    cells = (re.sub(r"<[^>]+>", " ", row) for row in body.split("<tr>")[1:])
    return [" ".join(html.unescape(cell).split()) for cell in cells]


def wrote(*lines: object) -> None:
    """Let the node return these lines of the container, as `pubs.logs` does."""
    run_next({"lines": list(lines)})


def run_next(returned: Any, success: bool = True, retcode: int = 0) -> None:
    """Let the node return this for the next run."""
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, returned, success=success, retcode=retcode)


def asked() -> list[dict[str, Any]]:
    return [job for job in jobs.listed(bot="my") if job["command"] == "bots.logs"]


def test_who_did_what_when_and_how_it_went(ann: FlaskClient) -> None:
    me = accounts.show(OWNER)["id"]
    jobs.submit(f"account:{me}", "bots.restart", "my")
    run_next("ERROR: The pub was stopped.", success=False, retcode=1)
    bots.desire("operator:root", "my", Desired.STOPPED)
    bots.describe("node:cellar-1", "my", "a pub")
    told = rows(ann.get("/bots/my/log"))
    assert "Change the description the node cellar-1" in told[0]
    assert "Stop whoever runs this place #queued" in told[1]
    assert "Restart The pub was stopped. you #failed" in told[2]
    assert "Create whoever runs this place #succeeded" in told[3]
    assert len(told) == 4  # Each job is shown once, not a second time because of its audit row.
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", row) for row in told)


def test_a_kind_narrows_it_in_the_address(ann: FlaskClient) -> None:
    me = str(accounts.show(OWNER)["id"])
    sharing.invite(me, "my", "guest@example.org")
    jobs.submit(f"account:{me}", "bots.invite", "my", {"uses": 1, "note": "x"})
    jobs.submit(f"account:{me}", "bots.logs", "my")
    bots.describe("test", "my", "a pub")
    found = {kind: rows(ann.get(f"/bots/my/log?kind={kind}")) for kind in ("", "actions", "invites", "people", "looks")}
    assert [len(told) for told in found.values()] == [4, 2, 1, 1, 1]
    assert "Invite a person guest@example.org you" in found["people"][0]
    assert "Make an invite" in found["invites"][0]
    assert "Look at the container's log" in found["looks"][0]
    page = ann.get("/bots/my/log?kind=people").text
    assert '<nav class="tabs" aria-label="Show only">' in page
    assert 'href="/bots/my/log?kind=people" aria-current="page"' in page
    assert ann.get("/bots/my/log?kind=<script>").status_code == 422


def test_pages_show_each_entry_once(ann: FlaskClient) -> None:
    for n in range(120):
        made = jobs.submit("test", "bots.restart", "my", key=f"k{n}")
        jobs.cancel("test", made["job"]["id"])
    with database.transaction():  # Many with the very same time.
        job_rows.Job.update(created_at=1.7e9).where(job_rows.Job.command == "bots.restart").execute()
    seen, path = [], "/bots/my/log"
    for _ in range(9):
        page = ann.get(path)
        assert len(page.data) < 150_000
        seen += re.findall(r'href="[^"]*/jobs/([0-9a-f]{16})"', page.text)
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        if not older:
            break
        path = html.unescape(older[1])
    assert len(seen) == len(set(seen)) == 121
    for wrong in (
        "x",
        "1-2",
        "nan-0000000000000000",
        "1e9-0000000000000000",
        "-",
        "²-0000000000000000",
        "nan_0",
        "1e9_0",
    ):
        assert ann.get("/bots/my/log", query_string={"before": wrong}).status_code == 422


def test_the_containers_lines_are_asked_for_and_shown(ann: FlaskClient) -> None:
    for _ in range(2):  # a double click
        done = send(ann, "/bots/my/log/lines", lines="50")
        assert done.headers["Location"] == "/bots/my/log#container"
    [job] = asked()
    assert job["arguments"] == {"lines": 50}
    page = ann.get("/bots/my/log").text
    assert "are being fetched: queued" in page
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found
    address = html.unescape(found[1])
    assert ann.get(address).status_code == 204
    wrote("2026-11-21T06:00:00Z one", "2026-11-21T06:00:01Z two")
    shown = ann.get(address).text
    assert "one\n2026-11-21T06:00:01Z two" in shown
    assert "The last 2 lines" in shown
    assert "hx-get" not in shown
    assert "<html" not in shown


def test_hostile_lines_are_text(ann: FlaskClient) -> None:
    send(ann, "/bots/my/log/lines", lines="50")
    wrote(
        "<script>alert(1)</script>",
        "\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x08",
        "</code></pre><b>",
        "\u202egnp",
        7,
        None,
    )
    page = ann.get("/bots/my/log").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\nred bell�\n&lt;/code&gt;&lt;/pre&gt;&lt;b&gt;\n�gnp\n7\nNone" in page


@pytest.mark.parametrize("returned", [{"done": True}, {"lines": "text"}, {"lines": []}, "text", None, 5, []])
def test_an_answer_that_is_no_list_of_lines_breaks_nothing(ann: FlaskClient, returned: object) -> None:
    send(ann, "/bots/my/log/lines", lines="50")
    run_next(returned)
    assert "has written nothing" in ann.get("/bots/my/log").text


def test_a_thousand_long_lines_stay_a_small_page(ann: FlaskClient) -> None:
    send(ann, "/bots/my/log/lines", lines="1000")
    wrote(*(f"{n} {'x' * 900}" for n in range(1000)))
    page = ann.get("/bots/my/log")
    assert len(page.data) < 150_000
    assert "of 1000" in page.text
    assert "999 xxx" in page.text


def test_lines_that_can_not_be_fetched_say_why(ann: FlaskClient) -> None:
    send(ann, "/bots/my/log/lines", lines="200")
    run_next("ERROR: The bot has no container on this node: start the bot to make one.", success=False, retcode=1)
    page = ann.get("/bots/my/log").text
    assert "could not be fetched" in page
    assert "no container" in page


@pytest.mark.parametrize("lines", ["", "7", "1001", "x"])
def test_another_number_of_lines_is_refused(ann: FlaskClient, lines: str) -> None:
    assert send(ann, "/bots/my/log/lines", lines=lines).status_code == 422
    assert asked() == []


@pytest.mark.parametrize(
    ("who", "sees", "asks"),
    [
        ("member", 200, 302),
        ("operator", 200, 302),
        ("stranger", 404, 404),
        ("nobody", 302, 302),
        ("suspended owner", 200, 403),
        ("suspended member", 200, 403),
    ],
)
def test_who_may(ann: FlaskClient, public_app: Flask, who: str, sees: int, asks: int) -> None:
    me = str(accounts.show(OWNER)["id"])
    sharing.invite(me, "my", "guest@example.org")
    send(ann, "/bots/my/log/lines", lines="50")
    wrote("a line of the pub")
    client = somebody(public_app, who)
    page = client.get("/bots/my/log")
    assert page.status_code == sees
    may_ask = who in ("member", "operator")
    assert ("a line of the pub" in page.text) == may_ask
    assert "guest@example.org" not in page.text
    assert client.get("/bots/my/log/lines").status_code == {"nobody": 401}.get(who, sees)
    assert ("a line of the pub" in client.get("/bots/my/log/lines").text) == may_ask
    token = csrf(client.get("/sign-in" if who == "nobody" else "/bots"))
    done = client.post("/bots/my/log/lines", data={"lines": "50", "csrf_token": token})
    assert done.status_code == asks
    assert len(asked()) == (2 if may_ask else 1)


def test_others_are_called_by_name_and_strangers_are_not(ann: FlaskClient, public_app: Flask) -> None:
    bob = owner("bob@example.org")
    join(bob)
    with database.transaction():
        agents.change(bob, name="<b>Bob</b>")
    bots.describe(f"account:{bob}", "my", "one")
    page = ann.get("/bots/my/log")
    assert "Change the description <b>Bob</b>" in rows(page)[0]
    assert "<b>Bob" not in page.text
    sharing.leave(bob, "my")
    assert "Leave somebody who left" in rows(ann.get("/bots/my/log"))[0]


def test_a_form_without_its_token_does_nothing(ann: FlaskClient) -> None:
    assert ann.post("/bots/my/log/lines", data={"lines": "50"}).status_code == 400
    assert asked() == []
    carry_out()
