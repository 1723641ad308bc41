"""Whose bots a node takes: on its page, on the operators', by the API; and choosing a node for a new bot."""

from typing import Any

import pytest
from accounts_with_nodes import account, own
from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, owner
from visiting import send, signed_in

from pillar_service.usecases.bots import bots
from pillar_service.usecases.nodes import node_terms
from pillar_service.usecases.people import tokens


@pytest.fixture
def people(public_app: Flask) -> dict[str, str]:
    """Ann and Bob, with one node each."""
    return {name: account(name, f"node-{name}") for name in ("ann", "bob")}


def browser(app: Flask, name: str) -> FlaskClient:
    return signed_in(app, f"{name}@example.org")


def test_a_node_is_shared_on_its_page_and_chosen_by_who_is_named(public_app: Flask, people: dict[str, str]) -> None:
    ann, bob = browser(public_app, "ann"), browser(public_app, "bob")
    assert "node-ann" not in bob.get("/bots/new").text
    told = {"sharing": "named", "emails": "bob@example.org, cora@example.org", "most": "1"}
    assert send(ann, "/nodes/node-ann/bots", **told).status_code == 302
    page = ann.get("/nodes/node-ann/bots").text
    assert "bob@example.org\ncora@example.org" in page
    assert "0 of 1" in page
    assert '<option value="node-ann">' in bob.get("/bots/new").text
    assert _pour(bob, "his", "node-ann").status_code == 302
    assert bots.show("his")["node"] == "node-ann"
    full = _pour(bob, "second", "node-ann")
    assert (full.status_code, "node-ann is full, so it takes no new bot" in full.text) == (507, True)
    page = ann.get("/nodes/node-ann/bots").text
    assert "1 belongs to others" in page
    assert "his</a>" not in page


def _pour(client: FlaskClient, name: str, node: str) -> Any:
    return send(client, "/bots/new", key=name, name=name, node=node)


def test_a_node_is_drained_on_its_page(public_app: Flask, people: dict[str, str]) -> None:
    ann, bob = browser(public_app, "ann"), browser(public_app, "bob")
    bots.create("test", "hers", "ann@example.org", node="node-ann")
    node_terms.share("test", "node-ann", "named", ["bob@example.org"])
    bots.create("test", "not-hers", "bob@example.org", node="node-ann")
    assert send(bob, "/nodes/node-ann/drain").status_code == 404
    assert send(ann, "/nodes/node-ann/drain").status_code == 302
    page = ann.get("/nodes/node-ann/bots").text
    assert "none: it is being drained" in page
    assert "hers: hers has no identity yet" in page
    assert "not-hers" not in page
    assert send(ann, "/nodes/node-ann/undrain").status_code == 302
    assert "welcome" in ann.get("/nodes/node-ann/bots").text


def test_what_is_wrong_is_said_and_nothing_changes(public_app: Flask, people: dict[str, str]) -> None:
    ann, bob = browser(public_app, "ann"), browser(public_app, "bob")
    for wrong, status in (
        ({"sharing": "named", "emails": "x"}, 422),
        ({"sharing": "own", "most": "many"}, 422),
        ({"sharing": "some"}, 422),
        ({"sharing": "all"}, 403),
    ):
        told = send(ann, "/nodes/node-ann/bots", **wrong)
        assert (told.status_code, 'class="wrong"' in told.text) == (status, True), wrong
    assert send(bob, "/nodes/node-ann/bots", sharing="own").status_code == 404
    assert bob.get("/nodes/node-ann/bots").status_code == 404
    hostile = _pour(bob, "his", "node-ann")
    assert (hostile.status_code, "There is no node node-ann" in hostile.text) == (404, True)
    assert node_terms.show("node-ann")["node"]["sharing"] == "own"


def test_programs_choose_a_node_or_its_labels(public_app: Flask, people: dict[str, str]) -> None:
    client = public_app.test_client()
    secret = tokens.create(people["ann"], "ci", ["read", "account"])["secret"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    made = client.post("/agents", json={"name": "hers", "node": "node-ann"})
    assert (made.status_code, made.json["agent"]["node"]) == (201, "node-ann")
    made = client.post("/agents", json={"name": "labelled", "selector": "node=cellar-1"})
    assert made.json["agent"]["node"] == "cellar-1"
    for told, status in (({"node": "node-bob"}, 404), ({"selector": "node=node-bob"}, 422), ({"selector": "a=="}, 422)):
        assert client.post("/agents", json={"name": "third", **told}).status_code == status, told
    assert client.post("/agents", json={"name": "fourth", "selector": "((("}).status_code == 422


def test_operators_and_masters_set_terms(master: FlaskClient) -> None:
    owner()
    own("shed", None)
    told = master.put("/nodes/shed/sharing", json={"sharing": "named", "emails": [OWNER]}).json["node"]
    assert told["sharing"] == "named"
    assert master.put("/nodes/shed/limit", json={"bots_most": 4}).json["node"]["bots_most"] == 4
    assert master.put("/nodes/shed/limit", json={"bots_most": None}).json["node"]["bots_most"] is None
    assert master.put("/nodes/nowhere/limit", json={"bots_most": 1}).status_code == 404
    assert master.put("/nodes/shed/sharing", json={"sharing": "x"}).status_code == 422
    assert master.put("/nodes/shed/draining", json={}).json["draining"]["moves"] == []
    assert master.get("/nodes/shed/draining").json["draining"]["draining_at"] > 0
    assert master.delete("/nodes/shed/draining").json["draining"]["draining_at"] is None
    assert master.put("/nodes/nowhere/draining", json={}).status_code == 404
    asked = {"type": "bot", "name": "my", "account": OWNER, "selector": "node=cellar-1"}
    assert master.post("/agents", json=asked).json["agent"]["node"] == "cellar-1"
