"""Node upgrades at both doors: for operators at the private app, for nodes at the public one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from enrolling import enrol, master_is_there
from eventful import told
from flask import Flask
from flask.testing import FlaskClient
from pouring import owner

from pillar_service import __version__
from pillar_service.core.nodes import facts
from pillar_service.core.people import tokens
from pillar_service.store.nodes import nodes
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import enrolment_tokens


@pytest.fixture
def shed(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, public_app: Flask
) -> FlaskClient:
    """An enrolled node of an older version, at its door."""
    (tmp_path / "bundle.tar.gz").write_bytes(b"wheels")
    monkeypatch.setenv("CELLAR_NODE_BUNDLE", str(tmp_path / "bundle.tar.gz"))
    service()
    master_is_there("other")
    id = str(enrol(enrolment_tokens.create_for(owner())["secret"])["node"])
    said: dict[str, Any] = {"facts": {"versions": {"saltcellar": "0.0.1"}}}
    events.take(id, [told(1, facts.EVENT_TYPE, id, data=said, stream="facts")])
    found = nodes.find(id)
    assert found is not None
    client = public_app.test_client()
    token = tokens.node_token(str(public_app.secret_key), id, found.key_serial)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_an_operator_asks_and_the_node_hears_of_it(master: FlaskClient, shed: FlaskClient, node: FlaskClient) -> None:
    assert shed.get("/node/upgrade").json == {"upgrade": None}
    assert shed.get("/node/wheels").status_code == 404
    begun = master.post("/upgrades", json={"selector": "", "waves": "1,rest"})
    assert begun.status_code == 202
    id = begun.json["upgrade"]["id"]
    assert begun.json["upgrade"]["left_out"] == {
        "cellar-1": "It was not set up by enrol.sh: upgrade it by hand on the machine."
    }
    wanted = shed.get("/node/upgrade").json["upgrade"]
    assert (wanted["order"], wanted["version"], len(wanted["sha256"])) == (f"{id}-1", __version__, 64)
    assert shed.get("/node/wheels").data == b"wheels"
    assert node.get("/node/upgrade").json == {"upgrade": None}
    assert node.get("/node/wheels").status_code == 404
    assert [one["id"] for one in master.get("/upgrades").json["upgrades"]] == [id]
    assert master.post(f"/upgrades/{id}/resume").status_code == 409
    assert master.post(f"/upgrades/{id}/cancel").json["upgrade"]["state"] == "cancelled"
    assert shed.get("/node/wheels").status_code == 404
    assert master.get("/upgrades/nothing").status_code == 404
