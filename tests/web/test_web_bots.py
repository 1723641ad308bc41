import io
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from forms import ask_export, fill, press, pressing, running
from pouring import (
    OWNER,
    PUB,
    answer,
    bot,
    carry_out,
    event,
    owner,
    poured,
    report,
    state,
)
from visiting import PASSWORD, come_as

from pillar_service.core.names import BOT_NAME
from pillar_service.core.people.agents import Belonging, Desired
from pillar_service.store import database
from pillar_service.store.jobs import leases
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots, health
from pillar_service.usecases.jobs import jobs, runs
from pillar_service.usecases.jobs.leases import PUBLISHING
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("at_home")

MEMBER, STRANGER = "member@example.org", "stranger@example.org"

HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "../x",
    "my\nmy",
    "ｍｙ",
    "x" * 10_240,
    "",
    " ",
    "-a",
    "a;b",
    "a\x00b",
]


def join(email: str, bot_id: str, role: Belonging = Belonging.MEMBER) -> None:
    with database.transaction():
        agents.join(accounts.show(email)["id"], bot_id, role)


def test_a_new_bot_is_seen_being_poured_until_it_is_alive(visitor: FlaskClient) -> None:
    form = visitor.get("/bots/new")
    sent = fill(form, name="my", description="Ours <b>")
    made = [visitor.post("/bots/new", data=sent) for _ in range(2)]
    assert [answer.headers["Location"] for answer in made] == ["/bots", "/bots"]
    assert len(jobs.listed()) == 1
    page = visitor.get("/bots").text
    assert "#provisioning" in page
    assert "Ours &lt;b&gt;" in page
    assert 'hx-get="/live/bots"' in page
    assert "It is waiting for its node" in page
    run = running()
    begun = visitor.get("/live/bots").text
    assert ("It is waiting for its node" in begun, "It is being poured" in begun) == (False, True)
    id = bots.show("my")["id"]
    texts = ("made <it>", "container: ok, changed. Created container 'my-1'")
    runs.add_lines("salt", run["id"], [{"key": text, "state_id": f"{id} container", "text": text} for text in texts])
    for address in ("/live/bots", f"/my/jobs/{jobs.listed()[0]['id']}"):
        told = visitor.get(address).text
        assert "made &lt;it&gt;" in told
        assert ("Its container is made and running." in told, "my-1" in told) == (True, False)
    answer(run, state(id, pub={"pub_id": PUB}))
    live = visitor.get("/live/bots").text
    assert "#alive" in live
    assert "made" not in live
    assert "<html" not in live


def test_a_card_is_drawn_anew_when_anything_that_it_shows_changes(visitor: FlaskClient) -> None:
    id = str(poured("my")["id"])
    shown = []
    for told in ({"memory_bytes": 96 << 20}, {"memory_bytes": 80 << 20}, {"peers": 41}, {"disk_bytes": 7 << 30}):
        health.take("cellar-1", [event(report(id, at=time.time() + len(shown), **told))])
        shown.append(visitor.get("/live/bots").text)
        assert visitor.get("/live/bots").text == shown[-1]
    assert len(set(shown)) == len(shown)
    for at, said in enumerate(("96.0 MiB", "80.0 MiB", "<dd>41</dd>", "7.0 GiB")):
        assert said in shown[at]
    bots.describe("test", id, "<b>soft</b>")
    assert "&lt;b&gt;soft&lt;/b&gt;" in visitor.get("/live/bots").text


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_refused_on_the_form(visitor: FlaskClient, name: str) -> None:
    assert not BOT_NAME.fullmatch(name)
    page = visitor.post("/bots/new", data=fill(visitor.get("/bots/new"), name=name))
    assert page.status_code == 422
    assert "wrong" in page.text
    assert "<script>alert" not in page.text
    assert jobs.listed() == []


def test_a_taken_name_is_said_and_the_form_can_be_sent_again(visitor: FlaskClient) -> None:
    poured()
    page = visitor.post("/bots/new", data=fill(visitor.get("/bots/new"), name="my"))
    assert page.status_code == 409
    assert "taken" in page.text
    assert visitor.post("/bots/new", data=fill(page, name="other")).status_code == 302
    assert bots.show("other")["desired"] == "running"


def test_no_more_bots_than_an_account_may_own(
    visitor: FlaskClient, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_BOTS_MOST", "1")
    service()
    form = fill(visitor.get("/bots/new"), name="one")
    assert [visitor.post("/bots/new", data=form).status_code for _ in range(2)] == [302, 302]
    page = visitor.post("/bots/new", data=fill(visitor.get("/bots/new"), name="two"))
    assert (page.status_code, "as many as" in page.text) == (409, True)


@pytest.mark.parametrize("action", ["restart", "stop", "upgrade", "rebuild"])
def test_a_double_click_is_one_job(visitor: FlaskClient, person: str, action: str) -> None:
    poured()
    page = visitor.get("/bots/my/actions")
    went = press(visitor, page, f"/bots/my/actions/{action}", times=2)
    [job] = [job for job in jobs.listed(bot="my") if job["command"] == f"bots.{action}"]
    assert (went.status_code, went.headers["Location"]) == (302, f"/my/jobs/{job['id']}")
    assert job["actor"] == f"account:{person}"
    again = visitor.get("/bots/my/actions")
    press(visitor, again, f"/bots/my/actions/{action}" if action != "stop" else "/bots/my/actions/start")
    assert len(jobs.listed(bot="my")) == 3


def test_a_stopped_bot_is_started_not_restarted(visitor: FlaskClient) -> None:
    poured()
    before = visitor.get("/bots/my/actions")
    bots.desire("test", "my", Desired.STOPPED)
    page = visitor.get("/bots/my/actions").text
    assert "/bots/my/actions/restart" not in page
    assert "/bots/my/actions/start" in page
    refused = press(visitor, before, "/bots/my/actions/restart")
    assert (refused.status_code, "start it instead" in refused.text) == (409, True)


def test_a_form_without_key_or_token_does_nothing(visitor: FlaskClient) -> None:
    poured()
    sent = pressing(visitor.get("/bots/my/actions"), "/bots/my/actions/stop")
    assert visitor.post("/bots/my/actions/stop", data={"key": sent["key"]}).status_code == 400
    assert visitor.post("/bots/my/actions/stop", data={"csrf_token": sent["csrf_token"]}).status_code == 422
    assert visitor.post("/bots/my/actions/stop", data={**sent, "key": "x" * 65}).status_code == 422
    assert visitor.post("/bots/my/actions/explode", data=sent).status_code == 404
    assert [job["command"] for job in jobs.listed()] == ["bots.create"]


def test_an_upgrade_shows_the_version_now_and_next(
    visitor: FlaskClient, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    poured()
    assert "none: it has the newest" in visitor.get("/bots/my/actions").text
    monkeypatch.setenv("CELLAR_PUB_IMAGE", "saltcellar/pub:9")
    service()
    page = visitor.get("/bots/my/actions").text
    assert "<dd>1 <small>(saltcellar/pub:0.1.0)</small></dd>" in page
    assert "<dd>saltcellar/pub:9</dd>" in page


def test_a_job_waits_for_a_master_while_there_is_none_and_then_for_its_node(visitor: FlaskClient) -> None:
    poured()
    press(visitor, visitor.get("/bots/my/actions"), "/bots/my/actions/rebuild")
    address = f"/my/jobs/{jobs.listed()[0]['id']}"
    assert "It is waiting for its node" in visitor.get(address).text
    with database.transaction():
        leases.put(PUBLISHING, "salt", 2, 0)
    assert "The master that runs jobs is away: this waits" in visitor.get(address).text


def test_a_job_lives_on_its_page(visitor: FlaskClient) -> None:
    id = poured()["id"]
    press(visitor, visitor.get("/bots/my/actions"), "/bots/my/actions/rebuild")
    address = f"/my/jobs/{jobs.listed()[0]['id']}"
    waiting = visitor.get(address)
    assert "#queued" in waiting.text
    assert f'hx-get="{address}/live?seen=' in waiting.text
    assert '<noscript><meta http-equiv="refresh"' in waiting.text
    run = running()
    runs.add_lines("salt", run["id"], [{"key": "1", "state_id": "", "text": "built <a>"}])
    part = visitor.get(f"{address}/live").text
    assert "#running" in part
    assert "built &lt;a&gt;" in part
    answer(run, state(id, result=False, comment="port is already allocated"))
    over = visitor.get(address)
    assert "#failed" in over.text
    assert "Another program on its machine uses" in over.text
    assert "hx-get" not in over.text
    assert "refresh" not in over.text
    went = press(visitor, over, f"{address}/again", times=2)
    assert [job["command"] for job in jobs.listed()].count("bots.rebuild") == 2
    assert went.headers["Location"] == f"/my/jobs/{jobs.listed()[0]['id']}"


def test_what_waits_can_be_cancelled_unless_it_is_a_wish(visitor: FlaskClient) -> None:
    poured()
    press(visitor, visitor.get("/bots/my/actions"), "/bots/my/actions/restart")
    address = f"/my/jobs/{jobs.listed()[0]['id']}"
    page = visitor.get(address)
    assert press(visitor, page, f"{address}/cancel").headers["Location"] == address
    assert "#cancelled" in visitor.get(address).text
    assert visitor.post(f"{address}/cancel", data=pressing(page, f"{address}/cancel")).status_code == 409
    press(visitor, visitor.get("/bots/my/actions"), "/bots/my/actions/stop")
    stop = f"/my/jobs/{jobs.listed()[0]['id']}"
    assert f"{stop}/cancel" not in visitor.get(stop).text
    assert visitor.post(f"{stop}/cancel", data=pressing(page, f"{address}/cancel")).status_code == 409


def test_a_failed_pouring_is_mended_by_a_start(visitor: FlaskClient) -> None:
    made = bot()
    answer(running(), state(made["agent"]["id"], result=False, comment="no space left"))
    address = f"/my/jobs/{made['job']['id']}"
    page = visitor.get(address)
    assert "Start it" in page.text
    press(visitor, page, f"{address}/again")
    assert jobs.listed()[0]["command"] == "bots.start"
    carry_out()
    assert bots.show("my")["actual"] == "alive"


def every_address(visitor: FlaskClient) -> list[tuple[str, str, dict[str, str]]]:
    """Every address of a bot, its job and its export, with what the owner's own pages would send there."""
    sent = fill(visitor.get("/bots/new"), name="my", password=PASSWORD, kind="log")
    job = jobs.listed(bot="my")[0]["id"]
    pages = ["/bots/my", "/bots/my/actions", "/bots/my/delete", "/bots/my/export", f"/bots/my/exports/{job}"]
    pages += [f"/my/jobs/{job}", f"/my/jobs/{job}/live"]
    forms = [f"/bots/my/actions/{action}" for action in ("restart", "start", "stop", "upgrade", "rebuild")]
    forms += ["/bots/my/delete", "/bots/my/export", f"/my/jobs/{job}/again", f"/my/jobs/{job}/cancel"]
    forms += [f"/deleted/{bots.show('my')['id']}/bring-back"]
    return [("get", page, {}) for page in pages] + [("post", form, sent) for form in forms]


def test_a_stranger_finds_nothing_anywhere(visitor: FlaskClient) -> None:
    poured()
    owner(STRANGER)
    come_as(visitor, STRANGER)
    before = jobs.listed()
    for method, address, sent in every_address(visitor):
        assert getattr(visitor, method)(address, data=sent).status_code == 404, address
    assert jobs.listed() == before
    assert "my.butt.nz" not in visitor.get("/bots").text


def test_who_is_not_signed_in_is_led_there(visitor: FlaskClient) -> None:
    poured()
    addresses = every_address(visitor)
    visitor.delete_cookie("saltcellar")
    for method, address, sent in addresses:
        refused = getattr(visitor, method)(address, data=sent)
        if address.endswith("/live"):
            assert (refused.status_code, refused.headers["HX-Refresh"]) == (401, "true")
        else:
            assert refused.headers["Location"].startswith("/sign-in"), address
    assert visitor.get("/live/bots").status_code == 401
    assert visitor.post("/bots/import", data={"tar": (io.BytesIO(b"x"), "x")}).status_code == 302


def test_a_member_may_operate_and_neither_delete_nor_export(visitor: FlaskClient) -> None:
    id = poured()["id"]
    owner(MEMBER)
    join(MEMBER, id)
    come_as(visitor, MEMBER)
    page = visitor.get("/bots/my/actions")
    assert "/bots/my/delete" not in page.text
    assert "/bots/my/export" not in page.text
    for address in ("/bots/my/delete", "/bots/my/export"):
        assert visitor.get(address).status_code == 403
        sent = fill(visitor.get("/bots/new"), name="my", password=PASSWORD, kind="log")
        assert visitor.post(address, data=sent).status_code == 403
    assert press(visitor, page, "/bots/my/actions/restart").status_code == 302
    carry_out()
    bots.delete("test", "my", purge=False)
    carry_out()
    listed = visitor.get("/bots")
    assert "my.butt.nz" not in listed.text
    forged = fill(visitor.get("/bots/new"))
    assert visitor.post(f"/deleted/{id}/bring-back", data=forged).status_code == 403
    assert [job["command"] for job in jobs.listed()].count("bots.bring_back") == 0


def test_a_suspended_owner_may_leave_but_not_act(visitor: FlaskClient) -> None:
    poured()
    accounts.set_state("test", OWNER, "suspended")
    assert "/bots/my/actions/restart" not in visitor.get("/bots/my/actions").text
    sent = fill(visitor.get("/bots/my/export"), name="my", password=PASSWORD)
    assert visitor.post("/bots/my/actions/restart", data=sent).status_code == 403
    assert visitor.post("/bots/my/delete", data=sent).status_code == 403
    assert visitor.post("/bots/new", data=fill(visitor.get("/bots/new"), name="new")).status_code == 409
    assert ask_export(visitor, "everything", PASSWORD).status_code == 302
