"""The queue of each forwarding: what is sent, in which order, by whom, and what is lost or given up."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from eventful import known
from forwarding_out import URL, sequences, taken, tell, verify
from pouring import owner

from pillar_service.core.durations import DAY_S
from pillar_service.core.events import forwarding
from pillar_service.store import database
from pillar_service.store.events import events as kept_events
from pillar_service.store.events import forwardings as rows
from pillar_service.usecases.events import deliveries, forwardings
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import retention

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def ann() -> str:
    """An account with a node, `shed`."""
    person = owner("ann@example.org")
    known("shed", person)
    return person


def test_it_gets_what_its_account_is_told_from_then_on_and_fits(ann: str) -> None:
    owner("bob@example.org")
    known("attic", accounts.show("bob@example.org")["id"])
    tell(1)
    id = forwardings.make(ann, ann, "webhook", URL, type="org.example.backup.*")["id"]
    everything = forwardings.make(ann, None, "webhook", URL)["id"]
    tell(1, 2, node="attic")
    tell(2, 3)
    tell(4, type="org.other.thing")
    delivery = taken(id)
    assert sequences(delivery) == [2, 3]
    [event, _] = json.loads(delivery.body)
    assert event.items() >= {"id": "shed/1/2", "source": "shed", "cellarkind": "submission"}.items()
    assert sequences(taken(everything)) == [1, 2, 2, 3, 4]


def test_what_does_not_fit_is_passed_by_and_is_not_due_again(ann: str) -> None:
    id = forwardings.make(ann, ann, "webhook", URL, type="org.other.*")["id"]
    tell(1, 2)
    assert deliveries.due(9) == [id]
    assert deliveries.take(id) is None
    assert deliveries.due(9) == []
    assert forwardings.listed(ann)[0]["waiting"] == 0


def test_a_claim_keeps_others_away_until_its_end_and_what_comes_late_changes_nothing(ann: str) -> None:
    id = forwardings.make(ann, ann, "webhook", URL)["id"]
    tell(1)
    first = taken(id)
    assert deliveries.due(9) == []
    assert deliveries.take(id) is None
    tell(2)
    rows.change(id, claimed_until=0.0)
    second = taken(id)
    assert (second.message, second.body) == (first.message, first.body)
    deliveries.failed(first, "too late")
    deliveries.sent(second)
    deliveries.sent(first)
    assert sequences(taken(id)) == [2]
    assert forwardings.listed(ann)[0]["sent"] == 1


def test_a_batch_is_no_larger_than_it_may_be(ann: str) -> None:
    id = forwardings.make(ann, ann, "webhook", URL)["id"]
    tell(*range(1, 151))
    tell(*range(151, 156), data={"x": "y" * 100_000})
    got = []
    while (delivery := deliveries.take(id)) is not None:
        deliveries.sent(delivery)
        got.append(sequences(delivery))
        assert len(delivery.body) <= forwarding.BATCH_BYTES
    assert len(got[0]) == 100
    assert [n for one in got for n in one] == list(range(1, 156))


def test_of_one_account_so_many_are_worked_on_at_a_time(ann: str) -> None:
    made = [forwardings.make(ann, ann, "webhook", URL)["id"] for _ in range(5)]
    tell(1)
    for id in made[: forwarding.AT_ONCE]:
        taken(id)
    assert deliveries.due(9) == []
    rows.change(made[0], claimed_until=9e12)  # The clock was set back meanwhile.
    assert len(deliveries.due(9)) == 3


def test_what_retention_took_is_told_as_a_gap(ann: str) -> None:
    id = forwardings.make(ann, ann, "webhook", URL, type="org.example.*")["id"]
    tell(1, 2, 3)
    tell(4, type="org.other.thing")
    with database.transaction():
        kept_events.Event.update(received_at=1.0).where(kept_events.Event.sequence != 3).execute()
    assert retention.forget("test")["events"] == 3
    assert forwardings.listed(ann)[0]["lost"] == 2
    delivery = taken(id)
    gap, event = json.loads(delivery.body)
    assert (gap["type"], gap["data"]["count"], gap["data"]["reason"]) == (forwarding.GAP, 2, "retention")
    assert event["cellarsequence"] == 3
    deliveries.sent(delivery)
    assert forwardings.listed(ann)[0]["lost"] == 0
    assert deliveries.take(id) is None


def test_after_three_days_it_is_switched_off_with_a_notice_and_goes_on_when_it_is_on(
    ann: str, posted: Callable[[], list[Any]]
) -> None:
    verify(ann)
    id = forwardings.make(ann, ann, "webhook", URL)["id"]
    tell(1)
    deliveries.failed(taken(id), "It answered 500.")
    shown = forwardings.listed(ann)[0]
    assert (shown["state"], shown["failures"], shown["error"]) == ("on", 1, "It answered 500.")
    assert deliveries.due(9) == []
    rows.change(id, not_before=0.0, failing_since=shown["failing_since"] - 3 * DAY_S)
    deliveries.failed(taken(id), "It answered 500.")
    assert forwardings.listed(ann)[0]["state"] == "failed"
    assert deliveries.due(9) == []
    [notice] = posted()
    assert (notice.recipient, "It answered 500." in notice.text) == ("ann@example.org", True)
    forwardings.switch("test", ann, id, True)
    assert sequences(taken(id)) == [1]


def test_gone_switches_it_off_at_once_and_a_pause_is_kept_within_an_hour(ann: str) -> None:
    first, second = (forwardings.make(ann, ann, "webhook", URL)["id"] for _ in range(2))
    tell(1)
    deliveries.failed(taken(first), "It answered 410 Gone.", is_gone=True)
    deliveries.failed(taken(second), "It answered 429.", 1e9)
    gone, later = forwardings.listed(ann)
    assert (gone["state"], later["state"]) == ("failed", "on")
    assert 3590 < later["next_at"] - later["failing_since"] < 3610
