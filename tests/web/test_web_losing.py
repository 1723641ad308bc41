"""Declaring a node lost and restoring its bot: on people's and operators' pages, by the API, by masters."""

import pytest
from enrolling import key
from flask import Flask
from flask.testing import FlaskClient
from forms import delete
from pouring import OWNER, PUB, answer, event, owner, poured, report, tar
from visiting import send, signed_in, somebody

from pillar_service.store import database
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.usecases.bots import bots, health, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import losing, node_terms, nodes
from pillar_service.usecases.people import accounts, tokens


@pytest.fixture
def bot(public_app: Flask) -> str:
    """A bot on cellar-1, its owner's node, with an export; cellar-2 has room. Its id."""
    return _bot()


def _bot() -> str:
    person = owner()
    for number, name in enumerate(("cellar-1", "cellar-2"), 1):
        nodes.add("test", name, 20000, 20019)
        nodes.set_key("test", name, key(number).public)
    node_terms.limit("test", "cellar-2", 0)
    id = str(poured()["id"])
    node_terms.limit("test", "cellar-2", None)
    with database.transaction():
        node_rows.change("cellar-1", account=person)
    job = jobs.submit("test", "bots.export", id)["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    transfers.deliver(run["node"], job, tar())
    answer(run, {"pub_id": PUB, "sequence": 3})
    return id


def test_an_owner_loses_a_node_and_restores_a_bot_by_one_press(public_app: Flask, bot: str) -> None:
    browser = signed_in(public_app, OWNER)
    health.take("cellar-1", [event(report(bot, sequence=3))])
    page = browser.get("/nodes/cellar-1/lost").text
    assert "see a fork" in page
    assert "It was heard from just now, but will never run its bots again" in page
    for form, said in (
        ({}, "Type cellar-1 to confirm"),
        ({"typed": "cellar-2"}, "Type"),
        ({"typed": "cellar-1"}, "seems to be alive"),
    ):
        told = send(browser, "/nodes/cellar-1/lost", **form)
        assert (told.status_code in (409, 422), said in told.text) == (True, True), form
    assert "can't be restored" not in browser.get("/bots/my/restore").text
    assert "was not declared lost" in browser.get("/bots/my/restore").text
    assert send(browser, "/nodes/cellar-1/lost", typed="cellar-1", anyway="y").status_code == 302
    assert "It was declared lost" in browser.get("/nodes/cellar-1/bots").text
    assert "#lost" in browser.get("/bots/my/actions").text
    assert "/bots/my/restore" in browser.get("/bots/my/actions").text
    page = browser.get("/bots/my/restore").text
    assert "What it wrote after that is lost" in page
    assert 'name="typed"' not in page
    first, again = (send(browser, "/bots/my/restore", key="once") for _ in range(2))
    assert (first.status_code, again.status_code) == (302, 302)
    assert first.location == again.location
    assert bots.show("my")["node"] == "cellar-2"


def test_where_messages_are_lost_the_bots_name_is_typed(public_app: Flask, bot: str) -> None:
    browser = signed_in(public_app, OWNER)
    health.take("cellar-1", [event(report(bot, sequence=8))])
    losing.declare("test", "cellar-1", anyway=True)
    page = browser.get("/bots/my/restore").text
    assert "5 messages" in page
    assert 'name="typed"' in page
    told = send(browser, "/bots/my/restore", key="1")
    assert (told.status_code, "type its name" in told.text) == (409, True)
    assert send(browser, "/bots/my/restore", key="2", typed="my").status_code == 302


@pytest.mark.parametrize(("who", "status"), [("member", 403), ("stranger", 404), ("operator", 403)])
def test_nobody_else_restores_it(public_app: Flask, bot: str, who: str, status: int) -> None:
    browser = somebody(public_app, who)
    losing.declare("test", "cellar-1")
    assert browser.get("/bots/my/restore").status_code == status
    assert send(browser, "/bots/my/restore", key="1").status_code == status
    assert bots.show("my")["node"] == "cellar-1"
    if who != "operator":
        assert send(browser, "/nodes/cellar-1/lost", typed="cellar-1").status_code == 404


def test_programs_restore_it(public_app: Flask, bot: str) -> None:
    client = public_app.test_client()
    secret = tokens.create(accounts.show(OWNER)["id"], "ci", ["read", "account"])["secret"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    assert client.get(f"/agents/{bot}/restore").json["is_lost"] is False
    assert client.post(f"/agents/{bot}/restore").status_code == 409
    losing.declare("test", "cellar-1")
    told = client.get(f"/agents/{bot}/restore").json
    assert (told["is_lost"], told["tar"]["sequence"], told["unread"], told["why"]) == (True, 3, 0, None)
    assert client.post(f"/agents/{bot}/restore", json={"nodes": "x"}).status_code == 422
    made = client.post(f"/agents/{bot}/restore", json={"node": "cellar-2"})
    assert (made.status_code, made.json["agent"]["node"]) == (202, "cellar-2")


def test_masters_do_both(master: FlaskClient) -> None:
    id = _bot()
    health.take("cellar-1", [event(report(id, sequence=3))])
    assert master.put("/nodes/nowhere/lost", json={}).status_code == 404
    assert master.put("/nodes/cellar-1/lost", json={}).status_code == 409
    assert master.put("/nodes/cellar-1/lost", json={"anyway": "yes"}).status_code == 409
    assert master.put("/nodes/cellar-1/lost", json={"anyway": True}).json["node"]["lost_at"] > 0
    assert master.get("/agents/my/restore").json["restore"]["why"] is None
    assert master.post("/agents/nobody/restore", json={}).status_code == 404
    made = master.post("/agents/my/restore", json={"node": "cellar-2"}, headers={"Idempotency-Key": "1"})
    assert (made.status_code, made.json["job"]["node"]) == (202, "cellar-2")


def test_an_owner_gives_a_bot_of_a_lost_node_up(public_app: Flask, bot: str) -> None:
    browser = signed_in(public_app, OWNER)
    losing.declare("test", "cellar-1")
    assert "restore it instead" in browser.get("/bots/my/delete").text
    assert delete(browser).headers["Location"] == "/bots"
    page = browser.get("/bots").text
    assert "my is gone." in page
    assert "bring-back" not in page
    assert browser.get("/bots/my/delete").status_code == 404
