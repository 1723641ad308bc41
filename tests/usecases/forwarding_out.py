"""What the tests of forwarding share: telling events as a node, and taking deliveries."""

import json
from typing import Any

from eventful import told

from pillar_service.store import database
from pillar_service.store.people import accounts
from pillar_service.usecases.events import deliveries, events

URL = "https://hooks.example.org/x"


def tell(*numbers: int, node: str = "shed", **more: Any) -> None:
    assert events.take(node, [told(n, node=node, **more) for n in numbers])["refused"] == []


def taken(id: str) -> deliveries.Delivery:
    found = deliveries.take(id)
    assert found is not None
    return found


def sequences(delivery: deliveries.Delivery) -> list[int]:
    return [event["cellarsequence"] for event in json.loads(delivery.body)]


def verify(person: str, at: float | None = 1.0) -> None:
    with database.transaction():
        accounts.change(person, verified_at=at)
