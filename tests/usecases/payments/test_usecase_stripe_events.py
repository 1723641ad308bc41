"""Stripe's events: repeated, in any order, late, lost, irrelevant, or forged."""

import json
import time

import pytest
from fake_stripe import FakeStripe, sent
from paying import DAY, Written, ended_trial, kinds, states, subscribe, take
from trails import trail

from pillar_service.core.errors import Invalid
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.usecases.payments import dues, payments, subscriptions

pytestmark = pytest.mark.usefixtures("mailed")


def test_events_twice_and_in_any_order_are_all_the_same(stripe: FakeStripe, person: str) -> None:
    ended_trial(person)
    payments.checkout(person)
    [session] = stripe.books.sessions
    stripe.books.complete(session)
    start = time.time()
    stripe.books.advance(start + 40 * DAY)
    events = [*reversed(stripe.events), *stripe.events]
    first = [take(event)["taken"] for event in events]
    assert any(first)
    assert not any(first[len(stripe.events) :]), "the second time each is known"
    assert kinds(person) == ["paid", "paid"]
    assert payments.show(person, start + 40 * DAY)["state"] == "active"
    assert len(trail(f"agent:{person}")) == len({json.dumps(row) for row in trail(f"agent:{person}")})


def test_a_slow_answer_does_not_overwrite_a_later_one(stripe: FakeStripe, person: str) -> None:
    ended_trial(person)
    early = time.time()
    payments.checkout(person)
    stale = subscriptions.provider().told(str(subscriptions.found(person).customer))
    subscribe(stripe, person)
    with transaction():
        dues.keep(person, stale, early)
    assert payments.show(person)["state"] == "active"


def test_lost_events_are_made_up_for(stripe: FakeStripe, person: str, mailed: Written) -> None:
    ended_trial(person)
    payments.checkout(person)
    [session] = stripe.books.sessions
    stripe.books.complete(session)
    assert states(person, 0.01) == ["active"]
    start = time.time()
    stripe.books.advance(start + 95 * DAY)
    assert states(person, 95) == ["active"]
    assert kinds(person) == ["paid"] * 4
    assert mailed == []


@pytest.mark.parametrize("how", ["other secret", "no signature", "changed", "old", "letters", "no JSON", "no event"])
def test_what_stripe_did_not_sign_for_us_now_is_refused(stripe: FakeStripe, person: str, how: str) -> None:
    event = {"id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1, "data": {"object": {}}}
    payload, right = sent(event)
    wrong = {
        "other secret": sent(event, "whsec_another"),
        "no signature": (payload, ""),
        "changed": (payload.replace(b"evt_1", b"evt_2"), right),
        "old": sent(event, at=time.time() - 301),
        "letters": (payload, f"t={int(time.time())},v1=ä"),
        "no JSON": signed(b"\xff{"),
        "no event": signed(b"[]"),
    }[how]
    with pytest.raises(Invalid, match="signed"):
        payments.take_event(*wrong)
    assert not rows.is_seen("evt_1")
    assert payments.take_event(payload, right) == {"event": "evt_1", "taken": False}


def signed(payload: bytes) -> tuple[bytes, str]:
    from fake_stripe import signature

    return payload, signature(payload)


def test_events_of_no_interest_are_let_pass(stripe: FakeStripe, person: str) -> None:
    subscribe(stripe, person)
    customer = subscriptions.found(person).customer
    asked = len(stripe.asked)
    for type, about in (("customer.updated", customer), ("invoice.paid", "cus_other"), ("brand.new", None)):
        stripe.books.happen(type, {"id": "x", "customer": about})
        assert take(stripe.events[-1])["taken"] is False
    assert len(stripe.asked) == asked
