"""Nodes' facts as people, operators and Prometheus see them; told through the door, only with the node's key."""

import gzip
import json
import re
import time
from typing import Any

import pytest
from eventful import known, send, token, told
from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, owner
from visiting import PASSWORD, come_as

from pillar_service.core.nodes.facts import EVENT_TYPE
from pillar_service.store import database
from pillar_service.store.people import second_factor as second_factors
from pillar_service.usecases.nodes import facts
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import masters, overview

OPERATOR = "op@example.org"
GRAINS = {"osfinger": "Debian-13", "ipv4": ["127.0.0.1", "10.0.0.7"], "\ud800": "\ud800\x00"}


def event(sequence: int, node: str, epoch: int = 1, **said: Any) -> dict[str, Any]:
    return told(sequence, EVENT_TYPE, node, data={"facts": said}, epoch=epoch, stream="facts")


@pytest.fixture
def ann(visitor: FlaskClient) -> FlaskClient:
    """Ann's browser; her node has told facts and then other facts, and so has somebody else's node."""
    known("ann-1", owner())
    known("bob-1", owner("bob@example.org"))
    for n, version in enumerate(("3007.1", "3008.3"), 1):
        batch = [
            event(
                n, "ann-1", grains=GRAINS | {"note": f"<b>{version}</b>"}, versions={"salt": version}, token="canary-1"
            )
        ]
        assert send(visitor, batch, "ann-1").json == {"accepted": [f"ann-1/1/{n}"], "refused": []}
    assert send(visitor, [event(1, "bob-1", own="bobs-canary")], "bob-1").status_code == 202
    come_as(visitor)
    return visitor


def test_people_see_what_their_nodes_are_and_nobody_elses(ann: FlaskClient) -> None:
    listed = ann.get("/nodes/registry").text
    assert "ann-1" in listed
    assert "Debian-13" in listed
    assert "3008.3" in listed
    assert "bob" not in listed
    page = ann.get("/nodes/ann-1/facts")
    assert page.status_code == 200
    assert re.search(r"versions:salt</code></th><td>3007.1</td><td>3008.3</td>", page.text)
    assert all(f"<td>&lt;b&gt;{version}&lt;/b&gt;</td>" in page.text for version in ("3007.1", "3008.3"))
    assert "<b>" not in page.text
    assert "canary" not in page.text
    assert "(hidden)" in page.text
    for other in ("bob-1", "cellar-1", "nowhere", "%00"):
        assert ann.get(f"/nodes/{other}/facts").status_code == 404
    assert ann.get("/nodes/ann-1/facts?before=x").status_code == 422
    assert 'href="/nodes/ann-1/facts"' in ann.get("/nodes/ann-1/story").text
    assert 'href="/nodes/registry"' in ann.get("/nodes").text


def test_a_long_history_has_pages(ann: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "HISTORY", 2)
    for n in range(3, 6):
        send(ann, [event(n, "ann-1", n=n)], "ann-1")
    first = ann.get("/nodes/ann-1/facts").text
    assert first.count("<details") == 2
    older = re.search(r'href="(/nodes/ann-1/facts\?before=\d+)"', first)
    assert older
    rest = ann.get(older[1]).text
    assert rest.count("<details") == 2
    assert "?before=" not in rest


def test_who_tells_is_the_key_and_nothing_old_or_huge_does_harm(ann: FlaskClient) -> None:
    before = facts.show(None, "ann-1")
    forged = [event(9, "ann-1", own="forged")]
    assert send(ann, forged, "bob-1").json["accepted"] == []  # Bob's key with Ann's name in it.
    body = gzip.compress(json.dumps(forged).encode())
    assert send(ann, None, "ann-1", body=body, token=token("ann-1", body, signer="bob-1")).status_code == 401
    assert send(ann, [event(1, "ann-1", epoch=1, own="old")], "ann-1").status_code == 202
    assert send(ann, [event(9, "ann-1", own="x" * (10 << 20))], "ann-1").status_code == 413
    large = send(ann, [event(9, "ann-1", own=["x" * 99] * 9999)], "ann-1").json
    assert [one["id"] for one in large["refused"]] == ["ann-1/1/9"]
    assert facts.show(None, "ann-1") == before


def test_operators_see_all(ann: FlaskClient) -> None:
    id = str(accounts.create("test", OPERATOR, password=PASSWORD, role="operator")[0]["id"])
    assert ann.get("/admin/registry").status_code == ann.get("/admin/nodes/ann-1/facts").status_code == 404
    come_as(ann, OPERATOR)
    with database.transaction():
        second_factors.put(id, "A" * 32, time.time())
        second_factors.turn_on(id)
    listed = ann.get("/admin/registry")
    assert listed.status_code == 200
    for node in ("ann-1", "bob-1", "cellar-1"):
        assert f'href="/admin/nodes/{node}/facts"' in listed.text
    assert "3007.1" in ann.get("/admin/nodes/ann-1/facts").text
    assert "reported nothing about itself" in ann.get("/admin/nodes/cellar-1/facts").text
    assert ann.get("/admin/nodes/nowhere/facts").status_code == 404
    assert 'href="/admin/nodes/ann-1/facts"' in ann.get("/admin/nodes/ann-1").text


def test_a_master_reads_them(ann: FlaskClient, master: FlaskClient) -> None:
    said = master.get("/facts/ann-1").json
    assert set(said) == {"node", "facts", "changes"}
    assert said["facts"]["versions"] == {"salt": "3008.3"}
    assert [one["changes"][-1]["after"] for one in said["changes"]] == ["3008.3"]
    assert master.get("/facts/nowhere").status_code == 404


def test_prometheus_discovers_nodes_by_a_token_that_is_good_for_nothing_else(
    ann: FlaskClient, private_app: Flask, master: FlaskClient
) -> None:
    target = {"targets": ["10.0.0.7:9100"], "labels": {
        "__meta_saltcellar_account": accounts.show(OWNER)["id"], "__meta_saltcellar_node": "ann-1",
    }}  # fmt: skip
    prometheus = private_app.test_client()
    assert prometheus.get("/prometheus/targets").status_code == 401
    header = {"Authorization": f"Bearer {masters.new_token('test', masters.PROMETHEUS)}"}
    for client, headers in ((master, {}), (prometheus, header)):
        answered = client.get("/prometheus/targets", headers=headers)
        assert (answered.status_code, answered.json, answered.mimetype) == (200, [], "application/json")
        assert client.get("/prometheus/targets?whose=all", headers=headers).json == [target]
        assert client.get("/prometheus/targets?port=x", headers=headers).status_code == 422
    assert masters.PROMETHEUS not in [one["name"] for one in overview.masters()["masters"]]
    for path in ("/nodes", "/pillar/cellar-1", "/facts/ann-1", "/nope"):
        assert prometheus.get(path, headers=header).status_code == 403
    assert prometheus.post("/jobs/claim", json={}, headers=header).status_code == 403
