import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from days import days_pass
from fake_stripe import FakeStripe, sent
from pouring import OWNER, bot, carry_out, owner, poured, told
from trails import trail

from pillar_service.core.errors import Conflict, Failed, Invalid, NotFound, Unavailable
from pillar_service.core.people.agents import AccountState
from pillar_service.payments.stripe import Stripe
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.store.people import mails
from pillar_service.usecases.bots import bots
from pillar_service.usecases.payments import dues, payments, subscriptions
from pillar_service.usecases.people import accounts

DAY = 86_400.0


class Written(Sequence[tuple[str, str]]):
    """Which mails are queued in the database: to whom, about what."""

    def _now(self) -> list[tuple[str, str]]:
        rows = list(mails.Mail.select().order_by(mails.Mail.created_at))
        assert all("http://cellar.test/payment" in row.text for row in rows)
        return [(row.recipient, row.subject.removeprefix("butt.nz: ")) for row in rows]

    def __getitem__(self, at: Any) -> Any:
        return self._now()[at]

    def __len__(self) -> int:
        return len(self._now())

    def __eq__(self, other: object) -> bool:
        return self._now() == other

    __hash__ = None  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def mailed(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Written:
    """A place that sends mail."""
    monkeypatch.setenv("CELLAR_MAIL", "file:///dev/null")
    service()
    return Written()


@pytest.fixture
def person() -> str:
    return owner()


def states(person: str, *days: float) -> list[str]:
    """Live until each of these days from now, and the state then."""
    now, seen = time.time(), []
    for day in days:
        days_pass(now + day * DAY)
        seen.append(payments.show(person, now + day * DAY)["state"])
    return seen


def take(event: dict[str, Any]) -> dict[str, Any]:
    return payments.take_event(*sent(event))


def subscribe(stripe: FakeStripe, person: str) -> dict[str, Any]:
    """A person pays in the checkout, and Stripe's events come in."""
    payments.checkout(person, stripe.books.now)
    [session] = [one for one in stripe.books.sessions.values() if one["status"] == "open"]
    made = stripe.books.complete(session["id"])
    arrive(stripe)
    return made


def arrive(stripe: FakeStripe) -> None:
    """All events that have not been sent yet."""
    for event in stripe.events:
        take(event)
    stripe.events.clear()


def ended_trial(person: str) -> None:
    """The trial ended a moment ago."""
    with transaction():
        rows.change(person, trial_ends=time.time() - 10)


def kinds(person: str) -> list[str]:
    return [one["kind"] for one in payments.show(person)["payments"]]


def test_a_trial_ends_in_warnings_then_bots_stop_then_their_data_goes(person: str, mailed: Written) -> None:
    poured()
    assert states(person, 0, 13.9) == ["trial", "trial"]
    assert states(person, 14.01, 14.02, 19.5, 20.9) == ["past_due"] * 4
    assert (accounts.show(person)["state"], told()[bots.show("my")["id"]]["state"]) == ("active", "running")
    assert states(person, 21.02, 21.03, 40) == ["suspended"] * 3
    assert (accounts.show(person)["state"], told()[bots.show("my")["id"]]["state"]) == ("suspended", "stopped")
    assert [run["function"] for run in carry_out()] == ["state.apply"]
    assert states(person, 51.1, 52, 90) == ["closed"] * 3
    gone = bots.show("my")
    assert told()[gone["id"]]["state"] == "absent"
    assert told()[gone["id"]]["purge"] is True
    assert [subject for _, subject in mailed] == [
        "Your trial is over", "Your bots will be stopped", "Your bots are stopped", "Your bots are deleted",
    ]  # fmt: skip
    assert {to for to, _ in mailed} == {OWNER}


def test_paying_after_the_suspension_brings_the_bots_back(person: str, mailed: Written) -> None:
    poured()
    states(person, 14.1, 21.2)
    carry_out()
    now = time.time() + 25 * DAY
    shown = payments.mark_paid("operator:ann", OWNER, "1", now=now)
    assert (shown["state"], shown["payments"][0]["amount"]) == ("active", "$5")
    assert 27 * DAY < shown["until"] - now < 32 * DAY
    assert accounts.show(person)["state"] == "active"
    assert told()[bots.show("my")["id"]]["state"] == "running"
    assert mailed[-1] == (OWNER, "Thank you: your bots run again")
    assert states(person, 26, 50) == ["active", "active"]


def test_marking_twice_under_one_key_counts_once(person: str) -> None:
    first = payments.mark_paid("operator:ann", person, 3, key="1")
    assert payments.mark_paid("operator:ann", person, 3, key="1") == first
    assert payments.mark_paid("operator:ann", person, 3, key="2")["until"] > first["until"] + 80 * DAY
    other = accounts.create("test", "other@example.org")[0]["id"]
    for account, months in ((other, 3), (person, 1)):
        with pytest.raises(Conflict, match="used for another payment"):
            payments.mark_paid("operator:ann", account, months, key="1")
    assert [one["amount"] for one in payments.show(person)["payments"]] == ["$15", "$15"]
    for wrong in (0, 25, "x", None, True):
        with pytest.raises(Invalid):
            payments.mark_paid("operator:ann", person, wrong)
    with pytest.raises(NotFound):
        payments.mark_paid("operator:ann", "nobody@example.org", 1)


def test_a_payment_does_not_undo_what_an_operator_decided(person: str, mailed: Written) -> None:
    poured()
    states(person, 14.1, 21.2)
    accounts.set_state("operator:ann", person, AccountState.SUSPENDED)
    payments.mark_paid("operator:bob", person, 1, now=time.time() + 22 * DAY)
    assert payments.show(person, time.time() + 22 * DAY)["state"] == "active"
    assert accounts.show(person)["state"] == "suspended"
    assert mailed[-1] == (OWNER, "Your bots are stopped")
    assert accounts.set_state("operator:ann", person, AccountState.ACTIVE)["agent"]["state"] == "active"


def test_an_operator_does_not_resume_what_was_not_paid(person: str) -> None:
    states(person, 14.1, 21.2)
    with pytest.raises(Conflict, match="mark_paid"):
        accounts.set_state("operator:ann", person, AccountState.ACTIVE)
    accounts.set_state("operator:ann", person, AccountState.SUSPENDED)
    assert accounts.set_state("operator:ann", person, AccountState.ACTIVE)["agent"]["state"] == "suspended"


def test_operators_and_free_places_do_not_pay(
    person: str, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = accounts.create("test", "op@example.org", role="operator")[0]["id"]
    assert states(boss, 15, 400) == ["active", "active"]
    states(person, 14.1, 21.2)
    monkeypatch.setenv("CELLAR_PRICE_CENTS", "0")
    service()
    assert states(person, 22) == ["active"]
    assert accounts.show(person)["state"] == "active"
    assert payments.show(person)["is_free"]


def test_new_bots_need_a_subscription_that_stands(person: str) -> None:
    now = time.time()
    assert subscriptions.may_pour(person, now + 15 * DAY)
    with transaction():
        rows.change(person, trial_ends=now - 30 * DAY, warned_at=now - 20 * DAY, warned_for=now - 30 * DAY)
    assert not subscriptions.may_pour(person, now)
    with pytest.raises(Conflict, match="pay first"):
        bot()
    assert not subscriptions.may_pour("nobody", now)


def test_one_account_that_fails_does_not_stop_the_others(person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [owner(f"{name}@example.org") for name in "abc"]
    right = dues.settle

    def settle(account: str, now: float) -> Any:
        if account == person:
            raise ZeroDivisionError("broken")
        return right(account, now)

    monkeypatch.setattr(dues, "settle", settle)
    now = time.time() + 15 * DAY
    ran = payments.run_due(now)
    assert ran["failures"] == [{"account": person, "error": "broken"}]
    assert {one["account"] for one in ran["steps"]} == set(others)
    monkeypatch.undo()
    assert [one["account"] for one in payments.run_due(now)["steps"]] == [person]


def test_a_bot_with_another_owner_outlives_the_account(person: str) -> None:
    from pillar_service.core.people.agents import Belonging
    from pillar_service.store.people import agents

    other, shared = owner("other@example.org"), poured()
    alone = poured("alone")
    with transaction():
        agents.join(other, shared["id"], Belonging.OWNER)
    payments.mark_paid("test", other, 12)
    states(person, 14.1, 21.2, 51.3)
    assert (bots.show("my")["desired"], bots.show(alone["id"])["desired"]) == ("running", "absent")


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


def test_by_hand_nobody_is_sent_to_a_provider(person: str) -> None:
    for act in (payments.checkout, payments.portal):
        with pytest.raises(Conflict, match="by hand"):
            act(person)
    with pytest.raises(Invalid):
        payments.take_event(b"{}", "")
    assert payments.returned(person)["can_pay"] is False


def test_an_account_that_is_gone_is_let_be(stripe: FakeStripe, person: str, mailed: Written) -> None:
    from pillar_service.store.people import agents

    subscribe(stripe, person)
    payments.end("test", person)
    with transaction():
        agents.change(person, removed_at=time.time())
    asked = len(stripe.asked)
    assert states(person, 400)
    assert (mailed, len(stripe.asked)) == ([], asked)
