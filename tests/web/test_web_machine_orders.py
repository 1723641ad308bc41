"""Machine orders, at the private app and in the thread that takes their steps."""

import time
from typing import Any

import pytest
from fake_scaleway import FakeScaleway
from flask.testing import FlaskClient

from pillar_service.usecases.nodes import building as steps
from pillar_service.web import building


@pytest.fixture
def cloud(service: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    fake = FakeScaleway()
    for name, value in fake.settings().items():
        monkeypatch.setenv(name, value)
    service()
    steps._asked.cache_clear()
    yield fake
    fake.stop()


def test_a_machine_is_ordered_made_by_the_thread_and_retired(cloud: FakeScaleway, master: FlaskClient) -> None:
    headers = {"Idempotency-Key": "1", "X-Actor": "ann"}
    for _ in range(2):
        made = master.post("/machine-orders", json={"name": "rack-1", "labels": {"a": "b"}}, headers=headers)
        assert (made.status_code, made.json["order"]["state"]) == (202, "asked")
    id = made.json["order"]["id"]
    over = building.start()
    try:
        ends = time.monotonic() + 60
        while master.get(f"/machine-orders/{id}").json["order"]["state"] != "booting" and time.monotonic() < ends:
            time.sleep(0.05)
    finally:
        over.set()
    [listed] = master.get("/machine-orders").json["orders"]
    assert (listed["state"], listed["node"], listed["labels"]) == ("booting", "rack-1", {"a": "b"})
    assert listed["tag"] == next(iter(cloud.servers.values()))["name"]
    assert "token" not in listed
    gone = master.post("/machine-orders/rack-1/retire", json={})
    assert (gone.status_code, gone.json["order"]["state"]) == (202, "retiring")


@pytest.mark.parametrize(
    ("path", "told", "status"),
    [
        ("/machine-orders", {"name": "Rack 1"}, 422),
        ("/machine-orders", {"name": "rack-1", "colour": "red"}, 422),
        ("/machine-orders", {"name": "rack-1", "volume_gb": -1}, 422),
        ("/machine-orders", {"name": "rack-1", "size": {}}, 202),
        ("/machine-orders", {"name": "rack-1", "size": {"a": 1}}, 422),
        ("/machine-orders", {"name": "rack-1", "account": "nobody@example.org"}, 404),
        ("/machine-orders/nope/retire", {}, 404),
        ("/machine-orders/nope/finish", {}, 404),
    ],
)
def test_what_makes_no_sense_is_refused(
    cloud: FakeScaleway, master: FlaskClient, path: str, told: Any, status: int
) -> None:
    assert master.post(path, json=told).status_code == status
