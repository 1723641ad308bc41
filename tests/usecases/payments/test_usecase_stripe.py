"""Paying by Stripe: checkouts, months, refused cards, refunds, ends; and what happens while Stripe is away."""

import time
from typing import Any

import pytest
from fake_stripe import FakeStripe
from paying import DAY, Written, arrive, ended_trial, kinds, states, subscribe, take
from pouring import OWNER, owner, poured

from pillar_service.core.errors import Conflict, Failed, Invalid, Unavailable
from pillar_service.payments.stripe import Stripe
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.usecases.payments import dues, payments
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("mailed")


def test_a_checkout_is_one_page_however_often_it_is_asked_for(stripe: FakeStripe, person: str) -> None:
    assert payments.show(person)["can_pay"]
    pages = {payments.checkout(person, time.time() + hours * 3600) for hours in (0, 0, 2)}
    assert len(pages) == 1
    assert next(iter(pages)).startswith(f"{stripe.url}/pay/")
    assert len(stripe.books.customers) == 1
    with pytest.raises(Conflict, match="not paid yet"):
        payments.portal(owner("other@example.org"))


def test_paying_in_the_trial_keeps_the_trial(stripe: FakeStripe, person: str) -> None:
    subscription = subscribe(stripe, person)
    shown = payments.show(person)
    assert (subscription["status"], shown["state"], shown["renews"]) == ("trialing", "trial", True)
    assert kinds(person) == []
    with pytest.raises(Conflict, match="already"):
        payments.checkout(person)
    stripe.books.advance(time.time() + 15 * DAY)
    arrive(stripe)
    assert payments.show(person, time.time() + 15 * DAY)["state"] == "active"
    assert kinds(person) == ["paid"]


def test_three_months_by_stripe(stripe: FakeStripe, person: str, mailed: Written) -> None:
    ended_trial(person)
    subscribe(stripe, person)
    start = time.time()
    assert payments.show(person)["state"] == "active"
    for day in range(1, 96, 3):
        stripe.books.advance(start + day * DAY)
        arrive(stripe)
        assert states(person, day) == ["active"]
    assert kinds(person) == ["paid"] * 4
    assert mailed == []


def test_a_card_that_fails_and_another_one(stripe: FakeStripe, person: str, mailed: Written) -> None:
    ended_trial(person)
    customer = subscribe(stripe, person)["customer"]
    poured()
    start = time.time()
    stripe.books.declined.add(customer)
    stripe.books.advance(start + 32 * DAY)
    arrive(stripe)
    assert states(person, 32) == ["past_due"]
    assert mailed == [(OWNER, "Your month is over")]
    assert payments.portal(person).startswith(f"{stripe.url}/portal/")
    stripe.books.change_card(customer, works=True)
    arrive(stripe)
    assert states(person, 32.1) == ["active"]
    assert kinds(person)[0] == "paid"
    assert "failed" in kinds(person)


def test_a_card_that_goes_on_failing_ends_in_a_suspension_until_a_new_checkout(
    stripe: FakeStripe, person: str, mailed: Written
) -> None:
    ended_trial(person)
    first = subscribe(stripe, person)
    stripe.books.declined.add(first["customer"])
    start, seen = time.time(), []
    for day in range(28, 45):
        stripe.books.advance(start + day * DAY)
        arrive(stripe)
        seen += states(person, day)
    assert list(dict.fromkeys(seen)) == ["active", "past_due", "suspended"]
    assert seen.count("past_due") >= 7, "who did not choose to leave has all of the grace"
    assert first["status"] == "canceled"
    stripe.books.declined.clear()
    subscribe(stripe, person)
    assert states(person, 45) == ["active"]
    assert accounts.show(person)["state"] == "active"
    assert any(subject.startswith("Thank you") for _, subject in mailed)


def test_when_stripe_gives_up_the_person_still_has_the_grace(stripe: FakeStripe, person: str) -> None:
    ended_trial(person)
    subscription = subscribe(stripe, person)
    stripe.books.declined.add(subscription["customer"])
    stripe.books.advance(time.time() + 32 * DAY)
    stripe.books.end(subscription["id"], "payment_failed")
    arrive(stripe)
    assert states(person, 32, 36) == ["past_due", "past_due"]


def test_who_cancels_stays_until_the_month_is_over_and_is_not_warned(
    stripe: FakeStripe, person: str, mailed: Written
) -> None:
    ended_trial(person)
    subscription = subscribe(stripe, person)
    stripe.books.cancel_at_period_end(subscription["id"])
    arrive(stripe)
    shown = payments.show(person)
    assert (shown["state"], shown["renews"], bool(shown["cancelled_at"])) == ("active", False, True)
    stripe.books.advance(time.time() + 32 * DAY)
    arrive(stripe)
    assert states(person, 27, 32) == ["active", "suspended"]
    assert [subject for _, subject in mailed] == ["Your bots are stopped"]
    assert payments.show(person)["can_pay"]


def test_a_refund_is_shown_and_kept_once(stripe: FakeStripe, person: str) -> None:
    ended_trial(person)
    subscribe(stripe, person)
    [charge] = stripe.books.charges
    stripe.books.refund(charge, 200)
    stripe.books.refund(charge)
    arrive(stripe)
    payments.returned(person)
    found = payments.show(person)["payments"]
    assert sorted((one["kind"], one["amount"]) for one in found) == [
        ("paid", "$5"), ("refunded", "$2"), ("refunded", "$3"),
    ]  # fmt: skip
    assert payments.show(person)["state"] == "active"


def test_while_stripe_is_away_nobody_is_warned_and_it_is_told(stripe: FakeStripe, person: str, mailed: Written) -> None:
    ended_trial(person)
    subscribe(stripe, person)
    stripe.books.advance(time.time() + 32 * DAY)
    stripe.is_away = True
    ran = payments.run_due(time.time() + 32 * DAY)
    assert (ran["failures"][0]["account"], mailed) == (person, [])
    with pytest.raises(Unavailable):
        take(stripe.events[-1])
    stripe.is_away = False
    assert take(stripe.events[-1])["taken"], "it was not counted as dealt with"
    assert states(person, 32) == ["active"]


def test_what_was_asked_while_the_clock_was_wrong_keeps_no_payment_from_counting(
    stripe: FakeStripe, person: str
) -> None:
    ended_trial(person)
    payments.checkout(person, stripe.books.now)
    with transaction():
        rows.change(person, asked_at=time.time() + 365 * DAY)
    [session] = stripe.books.sessions.values()
    stripe.books.complete(session["id"])
    arrive(stripe)
    assert payments.show(person)["state"] == "active"


def test_while_stripe_is_away_not_each_account_waits_for_it(
    stripe: FakeStripe, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = list[str](), Stripe.told
    people = [person, *(owner(f"p{n}@example.org") for n in range(9))]
    for one in people[:-1]:
        subscribe(stripe, one)
    ended_trial(people[-1])
    monkeypatch.setattr(Stripe, "told", lambda self, customer: asked.append(customer) or real(self, customer))
    stripe.is_away = True
    ran = payments.run_due(time.time() + 32 * DAY)
    assert len(asked) == dues.GIVES_UP_AFTER
    assert {one["account"] for one in ran["failures"]} == set(people[:-1])
    assert [one["account"] for one in ran["steps"]] == [people[-1]]
    stripe.is_away = False
    assert payments.run_due(time.time())["failures"] == []


def test_a_closed_account_is_not_charged_on(stripe: FakeStripe, person: str) -> None:
    ended_trial(person)
    subscription = subscribe(stripe, person)
    subscription["status"] = "unpaid"
    with transaction():
        rows.change(person, suspended_at=time.time() - 31 * DAY, trial_ends=1.0, paid_until=1.0)
    stripe.books.invoices.clear()
    assert states(person, 0) == ["closed"]
    assert subscription["status"] == "canceled"
    payments.end("test", person)


def test_leaving_ends_the_subscription_once(stripe: FakeStripe, person: str) -> None:
    subscription = subscribe(stripe, person)
    for _ in range(2):
        payments.end("test", person)
    assert subscription["status"] == "canceled"
    assert payments.show(person)["renews"] is False


def test_wrong_settings_are_said(
    stripe: FakeStripe, person: str, monkeypatch: pytest.MonkeyPatch, service: Any
) -> None:
    monkeypatch.setenv("CELLAR_STRIPE_KEY", "sk_wrong")
    service()
    with pytest.raises(Failed, match="log"):
        payments.checkout(person)
    monkeypatch.setenv("CELLAR_STRIPE_PRICE", "")
    service()
    with pytest.raises(Invalid, match="CELLAR_STRIPE_PRICE"):
        payments.checkout(person)


def test_an_account_that_is_gone_is_let_be(stripe: FakeStripe, person: str, mailed: Written) -> None:
    from pillar_service.store.people import agents

    subscribe(stripe, person)
    payments.end("test", person)
    with transaction():
        agents.change(person, removed_at=time.time())
    asked = len(stripe.asked)
    assert states(person, 400)
    assert (mailed, len(stripe.asked)) == ([], asked)
