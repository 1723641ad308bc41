"""Waiting for a machine: what the runners tell about an order."""

import json

import pytest
from wire_service import answer, served

from pillar_service.core.errors import Failed
from pillar_service.master import ordering
from pillar_service.master.client import Client


def told(state, **more):
    return answer("202 Accepted", json.dumps({"order": {"id": "1f2e", "state": state, "fault": None, **more}}).encode())


def in_turn(*answers):
    left = list(answers)
    return lambda connection, request: left.pop(0)(connection, request)


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("the-secret-token\n")
    return str(file)


def test_an_order_is_followed_until_it_is_over(token, monkeypatch):
    monkeypatch.setattr(ordering, "EVERY_S", 0.01)
    with served(in_turn(told("asked"), told("making"), told("enrolled"))) as service:
        order = ordering.ordered(Client(service.url, token), {"name": "rack-1", "labels": {}}, 60)
        asked = [request.split(b" HTTP")[0] for request in service.requests]
    assert order["state"] == "enrolled"
    assert asked == [b"POST /machine-orders", b"GET /machine-orders/1f2e", b"GET /machine-orders/1f2e"]


def test_one_that_failed_says_why_and_what_can_be_done(token):
    with served(told("failed", fault="The quota is full.")) as service, pytest.raises(Failed) as raised:
        ordering.finished(Client(service.url, token), "rack-1", 60)
    assert raised.value.sentence.startswith("The quota is full. (salt-run nodes.finish 1f2e goes on with it")


def test_who_does_not_want_to_wait_gets_the_order_at_once(token):
    with served(told("retiring")) as service:
        assert ordering.retired(Client(service.url, token), "rack-1", True, 0)["state"] == "retiring"
        assert b'{"with_bots": true}' in service.requests[0]
