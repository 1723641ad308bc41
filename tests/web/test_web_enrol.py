"""Enrolling machines over HTTP: the script, the token, the key; and what masters and operators see of it."""

import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from enrolling import key, master_is_there, turned
from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, owner
from visiting import come_as, csrf, send, signed_in

from pillar_service.core.nodes.enrolment import KeyAct, statement
from pillar_service.usecases.nodes import enrolment, enrolment_tokens
from pillar_service.web import enrol as view

FORM = {"pattern": "shed", "labels": "environment=prd", "uses": "1", "life": "2h"}


@pytest.fixture
def token(service: Any) -> str:
    """An enrolment token of somebody's account."""
    master_is_there()
    return str(enrolment_tokens.create_for(owner(), pattern="shed")["secret"])


def bearing(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def redeem(client: FlaskClient, secret: str, **more: Any) -> Any:
    told = {"name": "shed", "public_key": key(1).public, "machine": {"hostname": "shed"}, **more}
    return client.post("/enrol", json=told, headers=bearing(secret))


def test_the_script_is_this_places_and_a_shell_takes_it(visitor: FlaskClient, tmp_path: Path) -> None:
    answer = visitor.get("/enrol.sh")
    assert answer.mimetype == "text/x-shellscript"
    assert "service=http://cellar.test\n" in answer.text
    assert "'@" not in answer.text
    file = tmp_path / "enrol.sh"
    file.write_text(answer.text)
    assert subprocess.run(["sh", "-n", file], check=False).returncode == 0
    assert not {"@LAUNCHER@", "@ENROL@"} & set(answer.text.split())
    assert subprocess.run(["shellcheck", view.SCRIPT, view.LAUNCHER, view.OUTER], check=False).returncode == 0


def test_an_address_can_not_break_out_of_the_script(
    visitor: FlaskClient, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_PUBLIC_URL", "http://x/'; touch /tmp/no; '")
    service()
    done = subprocess.run(["sh", "-n"], input=visitor.get("/enrol.sh").text, text=True, check=False)
    assert done.returncode == 0
    assert "service='http://x/'\"'\"'; touch" in visitor.get("/enrol.sh").text


def test_a_machine_comes_in_by_its_token_alone(visitor: FlaskClient, token: str) -> None:
    look = visitor.get("/enrol/token", headers=bearing(token))
    assert (look.status_code, look.json["pattern"]) == (200, "shed")
    answer = redeem(visitor, token)
    assert answer.status_code == 200, answer.text
    assert answer.json["masters"][0]["address"] == "salt.example.org"
    assert redeem(visitor, token).json == answer.json
    again = redeem(visitor, token, name="shed", public_key=key(2).public)
    assert (again.status_code, again.mimetype) == (401, "application/problem+json")
    assert "already used" in again.json["detail"]
    assert visitor.get("/enrol/token", headers=bearing(token)).status_code == 401
    state = visitor.get("/enrol/node?name=shed", headers=bearing(token)).json
    assert state == {"node": answer.json["node"], "answers": False}


@pytest.mark.parametrize(("name", "status"), [("shed", 200), ("rack", 403), ("../x", 422), ("", 422)])
def test_whether_a_name_will_do_is_told_before_anything_is_installed(
    visitor: FlaskClient, token: str, name: str, status: int
) -> None:
    assert visitor.get("/enrol/token", query_string={"name": name}, headers=bearing(token)).status_code == status
    assert redeem(visitor, token).status_code == 200


@pytest.mark.parametrize(
    ("told", "status"),
    [({"name": "../x"}, 422), ({"name": "rack"}, 403), ({"public_key": "x"}, 422), ({"wrong": 1}, 422)],
)
def test_what_is_wrong_is_said(visitor: FlaskClient, token: str, told: dict[str, Any], status: int) -> None:
    answer = redeem(visitor, token, **told)
    assert (answer.status_code, answer.json["status"]) == (status, status)
    assert redeem(visitor, token).status_code == 200, "it cost no use"


def test_the_bundle_is_for_who_has_a_token(
    visitor: FlaskClient, token: str, service: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert visitor.get("/enrol/bundle", headers=bearing(token)).status_code == 404
    file = tmp_path / "wheels.tar.gz"
    file.write_bytes(b"wheels")
    monkeypatch.setenv("CELLAR_NODE_BUNDLE", str(file))
    service()
    answer = visitor.get("/enrol/bundle", headers=bearing(token))
    assert (answer.status_code, answer.data) == (200, b"wheels")
    assert visitor.get("/enrol/bundle", headers=bearing("x")).status_code == 401
    assert "bundle=0a9c51e7" not in (first := visitor.get("/enrol.sh").text)
    file.write_bytes(b"other wheels")
    assert visitor.get("/enrol.sh").text != first
    file.unlink()
    assert "CELLAR_NODE_BUNDLE" in visitor.get("/enrol/bundle", headers=bearing(token)).json["detail"]


def test_the_script_and_the_page_say_what_the_bundle_is_for(
    visitor: FlaskClient, service: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, public_app: Flask
) -> None:
    owner("ann@example.org")
    assert "needed='Python 3.11 or newer'" in visitor.get("/enrol.sh").text
    file = tmp_path / "wheels.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("./cffi-2.0-cp312-cp312-manylinux_2_17_aarch64.whl"))
    monkeypatch.setenv("CELLAR_NODE_BUNDLE", str(file))
    service()
    script = visitor.get("/enrol.sh").text
    assert "fits=3.12-aarch64\nneeded='Python 3.12 on aarch64'" in script
    assert (
        "It needs Linux, Python 3.12 on aarch64, and root."
        in signed_in(public_app, "ann@example.org").get("/nodes").text
    )


def test_a_node_that_is_cut_off_is_forgotten_on_its_page_once_its_name_is_written(
    visitor: FlaskClient, token: str, public_app: Flask
) -> None:
    node = redeem(visitor, token).json["node"]
    browser = signed_in(public_app, OWNER)
    refused = send(browser, f"/nodes/{node}/forget", typed=node)
    assert (refused.status_code, "is not cut off" in refused.text) == (409, True)
    send(browser, f"/nodes/{node}/revoke")
    assert "Forget it" in browser.get("/nodes").text
    refused = send(browser, f"/nodes/{node}/forget", typed="shed")
    assert (refused.status_code, f"Type {node} to confirm." in refused.text) == (422, True)
    assert send(browser, f"/nodes/{node}/forget", typed=node).status_code == 302
    assert node not in browser.get("/nodes").text.replace(f"{node} is forgotten", "")


def test_a_node_changes_its_key_and_goes(visitor: FlaskClient, token: str) -> None:
    node = redeem(visitor, token).json["node"]
    told = dict(zip(("node", "public_key", "signature", "proof"), turned(node, 1, 2), strict=True))
    assert visitor.post("/keys/turn", json=told | {"signature": "AAAA"}).status_code == 401
    assert visitor.post("/keys/turn", json=told).status_code == 200
    signature = key(2).sign(statement(KeyAct.LEAVE, node, key(2).public))
    assert visitor.post("/keys/leave", json={"node": node, "signature": signature}).status_code == 200
    assert visitor.post("/keys/leave", json={"node": node, "signature": signature}).status_code == 403


def test_a_master_tells_where_it_is_and_hears_of_keys(master: FlaskClient) -> None:
    assert master.get("/nodes/keys").json == {"serial": 0, "keys": []}
    place = {"address": None, "publish_port": 4505, "return_port": 4506, "public_key": key(0).public}
    assert master.post("/masters/place", json=place).json == {}
    assert master.post("/masters/place", json=place | {"publish_port": 0}).status_code == 422
    assert master.post("/masters/place", json=place | {"public_key": "x"}).status_code == 422
    owner()
    made = master.post("/enrolment-tokens", json={"account": OWNER, "pattern": "shed", "life": "2h"})
    assert made.status_code == 201
    told = enrolment.redeem(made.json["token"]["secret"], "shed", key(1).public, {}, "192.0.2.1")
    assert told["masters"] == [{"address": "cellar.test", "port": 4506, "publish_port": 4505}]
    keys = master.get("/nodes/keys?after=0&wait=5").json
    assert [one["node"] for one in keys["keys"]] == [told["node"]]
    assert master.get(f"/nodes/keys?after={keys['serial']}&wait=0").json == {"serial": keys["serial"], "keys": []}
    assert master.post(f"/nodes/{told['node']}/rotate", json={}).json["job"]["command"] == "nodes.rotate"
    assert master.post(f"/nodes/{told['node']}/revoke", json={}).json["node"]["key"]["state"] == "revoked"
    assert master.post("/nodes/nope/revoke", json={}).status_code == 404
    assert master.delete(f"/nodes/{told['node']}").json["node"]["id"] == told["node"]
    assert master.delete(f"/nodes/{told['node']}").status_code == 404
    assert [one["state"] for one in master.get("/enrolment-tokens").json["tokens"]] == ["used"]
    assert master.post(f"/enrolment-tokens/{made.json['token']['id']}/revoke", json={}).json == {}
    assert master.post("/enrolment-tokens", json={"uses": 0}).status_code == 422


def test_a_person_makes_a_token_sees_the_line_and_cuts_a_node_off(visitor: FlaskClient, service: Any) -> None:
    master_is_there()
    person = owner()
    come_as(visitor)
    assert "You have no nodes yet" in visitor.get("/nodes").text
    made = send(visitor, "/nodes/tokens", **FORM)
    secret = made.text.partition("sh -s -- ")[2].partition("<")[0]
    assert f"CELLAR_ENROL_TOKEN={secret} sh enrol.sh" in made.text
    assert "curl -fsSO http://cellar.test/enrol.sh" in made.text
    told = redeem(visitor, secret)
    assert told.status_code == 200, told.text
    page = visitor.get("/nodes")
    assert secret not in page.text
    for shown in (f"shed.{person}", "environment=prd", "accepted", "1 of 1"):
        assert shown in page.text
    assert send(visitor, f"/nodes/shed.{person}/rotate").status_code == 302
    assert send(visitor, f"/nodes/shed.{person}/revoke").status_code == 302
    assert "cut off" in visitor.get("/nodes").text
    assert visitor.post(f"/nodes/shed.{person}/revoke").status_code == 400, "without its form's token"


@pytest.mark.parametrize(
    "wrong", [{"uses": "0"}, {"uses": "x"}, {"pattern": "A B"}, {"labels": "a b=c d=!"}, {"life": "x"}]
)
def test_what_is_wrong_in_the_form_is_said_there(visitor: FlaskClient, service: Any, wrong: dict[str, str]) -> None:
    owner()
    come_as(visitor)
    answer = send(visitor, "/nodes/tokens", **FORM | wrong)
    assert answer.status_code == 422
    assert "Let a machine in" in answer.text
    assert csrf(answer)
