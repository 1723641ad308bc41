"""A customer with more than one subscription at Stripe, each of which charges."""

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest
from fake_stripe import FakeStripe, Refused, sent
from pouring import owner
from trails import trail

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


def paid_twice(stripe: FakeStripe, person: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let a person pay on two pages open at once; return both subscriptions, the older one first."""
    payments.checkout(person)
    [first] = stripe.books.sessions.values()
    stripe.books.sessions["cs_other"] = copy.deepcopy(first) | {"id": "cs_other"}
    older = stripe.books.complete(first["id"])
    stripe.books.now += 60
    return older, stripe.books.complete("cs_other")


def arrive(stripe: FakeStripe) -> None:
    """Take all events so far."""
    events, stripe.events[:] = list(stripe.events), []
    for event in events:
        payments.take_event(*sent(event))


def ended(person: str) -> list[str]:
    return [row["detail"].split()[0] for row in trail(f"agent:{person}") if row["action"] == "payments.end_surplus"]


def test_of_two_subscriptions_one_goes_on_and_operators_are_told_of_the_other(stripe: FakeStripe, person: str) -> None:
    older, newer = paid_twice(stripe, person)
    arrive(stripe)
    assert (older["status"], newer["status"]) == ("canceled", "active")
    assert ended(person) == [older["id"]]
    stripe.books.advance(time.time() + 95 * DAY)
    arrive(stripe)
    shown = payments.show(person, time.time() + 95 * DAY)
    assert (shown["state"], shown["renews"], len(shown["payments"])) == ("active", True, 5), (
        "the first month alone twice"
    )


def test_the_one_whose_card_works_stays(stripe: FakeStripe, person: str) -> None:
    older, newer = paid_twice(stripe, person)
    newer["status"] = "past_due"
    arrive(stripe)
    assert (older["status"], newer["status"]) == ("active", "canceled")


def test_who_cancelled_one_of_them_keeps_the_other(stripe: FakeStripe, person: str) -> None:
    older, newer = paid_twice(stripe, person)
    stripe.books.cancel_at_period_end(newer["id"])
    arrive(stripe)
    assert (older["status"], newer["status"], ended(person)) == ("active", "active", [])
    assert payments.show(person)["renews"]


def test_where_stripe_does_not_end_the_other_what_was_paid_counts_all_the_same(
    stripe: FakeStripe, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = paid_twice(stripe, person)
    with monkeypatch.context() as refusing:
        refusing.setattr(stripe.books, "end", lambda id: refuse())
        arrive(stripe)
    assert payments.show(person)["state"] == "active"
    assert (older["status"], newer["status"], ended(person)) == ("active", "active", [])
    payments.returned(person)
    assert (older["status"], newer["status"]) == ("canceled", "active")


def refuse() -> None:
    raise Refused(400, "It is part of a schedule.")


def test_who_leaves_is_charged_by_neither(stripe: FakeStripe, person: str) -> None:
    both = paid_twice(stripe, person)
    payments.end("test", person)
    assert [one["status"] for one in both] == ["canceled", "canceled"]


def test_two_who_end_the_same_one_at_once_both_succeed(stripe: FakeStripe, person: str) -> None:
    older, _ = paid_twice(stripe, person)
    for _ in range(2):
        subscriptions.provider().cancel(older["id"])
    assert older["status"] == "canceled"
