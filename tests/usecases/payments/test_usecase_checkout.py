import time
from collections.abc import Callable
from typing import Any

import pytest
from fake_stripe import FakeStripe, sent
from pouring import OWNER, owner

from pillar_service.core.errors import Conflict, Failed, Unavailable
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.usecases.payments import payments, subscriptions

DAY = 86_400.0


@pytest.fixture
def person(service: Callable[[], None]) -> str:
    """A person whose trial ended a moment ago."""
    person = owner()
    with transaction():
        rows.change(person, trial_ends=time.time() - 10)
    return person


def arrive(stripe: FakeStripe) -> None:
    """Take all events that have not been taken yet."""
    for event in stripe.events:
        payments.take_event(*sent(event))
    stripe.events.clear()


def paid(stripe: FakeStripe, person: str) -> dict[str, Any]:
    """Let a person pay in the checkout; return the subscription."""
    made = stripe.books.complete(page(person))
    arrive(stripe)
    return made


def page(person: str) -> str:
    """Open a checkout for the person; return the session's id."""
    return payments.checkout(person).rpartition("/")[2]


def customer(person: str) -> str:
    return str(subscriptions.found(person).customer)


def test_who_was_deleted_at_stripe_keeps_what_was_paid_and_pays_anew(stripe: FakeStripe, person: str) -> None:
    paid(stripe, person)
    before, until = customer(person), payments.show(person)["until"]
    stripe.books.delete_customer(before)
    arrive(stripe)
    assert payments.run_due(time.time() + 2 * DAY)["failures"] == []
    with pytest.raises(Conflict, match="begin again"):
        payments.portal(person)
    assert paid(stripe, person)["trial_end"] >= until, "that month was paid"
    assert customer(person) != before
    assert payments.show(person)["until"] >= until
    assert payments.show(person)["renews"]
    assert len(stripe.books.charges) == 1


def test_who_is_known_only_under_the_other_key_is_settled_and_not_charged_twice(
    stripe: FakeStripe, person: str
) -> None:
    paid(stripe, person)
    real, until = customer(person), payments.show(person)["until"]
    known = stripe.books.customers.pop(real)
    assert payments.run_due(time.time() + 2 * DAY)["failures"] == []
    assert payments.show(person)["until"] == until
    assert payments.checkout(person)
    tried = customer(person)
    assert tried != real
    del stripe.books.customers[tried]
    stripe.books.customers[real] = known
    with pytest.raises(Conflict, match="already"):
        payments.checkout(person)
    assert customer(person) == real
    assert payments.show(person)["renews"]


def test_who_is_unknown_to_stripe_leaves_all_the_same(stripe: FakeStripe, person: str) -> None:
    paid(stripe, person)
    stripe.books.customers.clear()
    payments.end("test", person)
    assert not payments.show(person)["renews"]


def test_a_place_out_of_an_old_snapshot_finds_who_pays_already(stripe: FakeStripe, person: str) -> None:
    paid(stripe, person)
    with transaction():
        rows.change(person, customer=None, provider="manual", reference=None, live=False, paid_until=None)
    stripe._kept.clear()  # Stripe forgets idempotency keys after a day.
    with pytest.raises(Conflict, match="already"):
        payments.checkout(person)
    assert payments.of_account(OWNER)["state"] == "active"


def test_a_page_of_before_is_not_offered_once_something_else_is_to_be_paid(stripe: FakeStripe, person: str) -> None:
    before = page(person)
    payments.mark_paid("operator:ann", person, 3)
    assert stripe.books.sessions[before]["status"] == "expired", "whoever has it open would pay those months twice"
    after = page(person)
    assert (after == before, page(person)) == (False, after)
    with transaction():
        rows.change(person, marked_until=time.time() + 200 * DAY)
    assert page(person) != after
    assert [one["status"] for one in stripe.books.sessions.values()] == ["expired", "expired", "open"]


def test_the_price_of_now_is_asked_for(
    stripe: FakeStripe, person: str, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    page(person)
    monkeypatch.setenv("CELLAR_STRIPE_PRICE", "price_dearer")
    service()
    with pytest.raises(Failed):  # The fake has only one price; it is enough that it is asked for it.
        page(person)


def test_once_somebody_pays_no_other_page_of_theirs_takes_anything(stripe: FakeStripe, person: str) -> None:
    one = page(person)
    other = stripe.books.new("checkout.session", "cs_test", status="open", customer=customer(person), url="there")
    stripe.books.sessions[other["id"]] = other  # The button was pressed in two tabs at the same moment.
    stripe.books.complete(one)
    arrive(stripe)
    assert other["status"] == "expired"


def test_months_are_marked_though_stripe_is_away(stripe: FakeStripe, person: str) -> None:
    page(person)
    stripe.is_away = True
    assert payments.mark_paid("operator:ann", person, 3)["state"] == "active"


def test_a_page_that_is_paid_as_it_is_closed_says_to_look_again(
    stripe: FakeStripe, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = page(person)
    monkeypatch.setattr(stripe, "_expired", lambda id: stripe.books.complete(id) and FakeStripe._expired(stripe, id))
    with transaction():
        rows.change(person, marked_until=time.time() + 200 * DAY)
    with pytest.raises(Unavailable, match="just"):
        page(person)
    assert stripe.books.sessions[before]["status"] == "complete"
    with pytest.raises(Conflict, match="already"):
        page(person)


def test_who_can_not_change_the_card_because_stripe_does_not_know_them_can_pay(stripe: FakeStripe, person: str) -> None:
    paid(stripe, person)
    del stripe.books.customers[customer(person)]
    assert not payments.show(person)["can_pay"]
    with pytest.raises(Conflict, match="begin again"):
        payments.portal(person)
    assert payments.show(person)["can_pay"]
