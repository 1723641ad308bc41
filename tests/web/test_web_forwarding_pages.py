"""Forwarding on its pages and in the API."""

import re
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hooks import Hooks, tell
from visiting import come_as, csrf, send

from pillar_service.store import database
from pillar_service.store.people import second_factor as second_factors
from pillar_service.usecases.people import accounts, tokens
from pillar_service.web import forwarding

URL = "https://hooks.example.org/x"
FORM = {"way": "webhook", "address": URL, "severity": "info", "kind": "", "node": "", "type": ""}


@pytest.fixture
def ann(visitor: FlaskClient, hooked: Hooks) -> str:
    """Ann, signed in; the account's id."""
    come_as(visitor, "ann@example.org")
    return hooked.ann


def only(page: Any) -> str:
    """The id of the only forwarding on a page."""
    [id] = set(re.findall(r"/forwardings/([0-9a-f]{16})/remove", page.text))
    return str(id)


@pytest.mark.usefixtures("ann")
def test_a_person_makes_one_tries_it_switches_it_and_removes_it(visitor: FlaskClient, hooked: Hooks) -> None:
    hook, other = hooked(500)
    made = send(visitor, "/account/forwardings", **FORM | {"address": hook.url, "severity": "warning"})
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", made.text)
    assert secret is not None
    page = visitor.get("/account/forwardings")
    assert secret[0] not in page.text
    assert "severity=warning" in page.text
    mine = next(id for id in re.findall(r"/forwardings/([0-9a-f]{16})/remove", page.text) if id != other)
    send(visitor, f"/account/forwardings/{mine}/test")
    assert "a test is on its way" in visitor.get("/account/forwardings").text
    hook.secret = secret[0]
    forwarding.deliver(mine)
    assert "It answered 500" in visitor.get("/account/forwardings").text
    send(visitor, f"/account/forwardings/{mine}/switch", state="off")
    assert send(visitor, f"/account/forwardings/{mine}/test").status_code == 409
    assert send(visitor, f"/account/forwardings/{mine}/switch", state="sideways").status_code == 422
    send(visitor, f"/account/forwardings/{mine}/remove")
    assert only(visitor.get("/account/forwardings")) == other


@pytest.mark.usefixtures("ann")
def test_what_is_wrong_is_said_beside_the_form_with_what_was_typed(visitor: FlaskClient) -> None:
    for wrong in (
        {"address": "https://u:p@x.example/"},
        {"type": "<b>"},
        {"way": "slack"},
        {"way": "mail", "address": ""},
    ):
        answer = send(visitor, "/account/forwardings", **FORM | wrong)
        assert answer.status_code == 422, wrong
        assert "<b>" not in answer.text
    assert "They go nowhere yet" in visitor.get("/account/forwardings").text


def test_operators_forward_what_all_nodes_tell(public_app: Flask, visitor: FlaskClient, hooked: Hooks) -> None:
    id = str(accounts.create("test", "op@example.org", password="long enough 1", role="operator")[0]["id"])
    come_as(visitor, "op@example.org")
    with database.transaction():
        second_factors.put(id, "A" * 32, time.time())
        second_factors.turn_on(id)
    form = {**FORM, "address": URL, "csrf_token": csrf(visitor.get("/admin/forwardings"))}
    assert "whsec_" in visitor.post("/admin/forwardings", data=form).text
    tell(1)
    page = visitor.get("/admin/forwardings")
    assert "1 waiting" in page.text
    token = {"csrf_token": csrf(page)}
    assert visitor.post("/admin/forwardings", data={**form, "way": "slack"}).status_code == 422
    for deed, more in (("test", {}), ("switch", {"state": "off"}), ("switch", {"state": "on"}), ("remove", {})):
        assert visitor.post(f"/admin/forwardings/{only(page)}/{deed}", data=token | more).status_code == 302
    assert "They go nowhere yet" in visitor.get("/admin/forwardings").text


def test_a_program_makes_one_with_a_filter(public_app: Flask, hooked: Hooks) -> None:
    def program(*scopes: str) -> FlaskClient:
        client = public_app.test_client()
        secret = tokens.create(hooked.ann, "ci", list(scopes))["secret"]
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
        return client

    client = program("account", "read")
    asked = {"way": "webhook", "address": URL, "filter": {"type": "org.example.*", "severity": "warning"}}
    assert program("read", "operate", "export").post("/forwardings", json=asked).status_code == 403
    made = client.post("/forwardings", json=asked)
    assert (made.status_code, made.json["secret"][:6], made.json["filter"]) == (201, "whsec_", asked["filter"])
    [shown] = client.get("/forwardings").json["forwardings"]
    assert "secret" not in shown
    address = f"/forwardings/{shown['id']}"
    assert client.post(f"{address}/test").status_code == 202
    assert client.patch(address, json={"state": "off"}).json["state"] == "off"
    assert client.patch(address, json={"state": "failed"}).status_code == 422
    assert client.post("/forwardings", json={**asked, "address": "http://x/#"}).status_code == 422
    assert client.post("/forwardings", json={**asked, "way": "slack", "address": "C012345"}).status_code == 422
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404
