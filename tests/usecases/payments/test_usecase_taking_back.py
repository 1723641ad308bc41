import time
from collections.abc import Callable
from typing import Any

import pytest
from days import days_pass
from fake_stripe import FakeStripe
from pouring import OWNER, owner, poured, told
from trails import trail

from pillar_service.core.errors import Conflict, NotFound
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.usecases.bots import bots
from pillar_service.usecases.payments import payments, taking_back
from pillar_service.usecases.people import accounts

DAY = 86_400.0


@pytest.fixture
def person(service: Callable[[], None]) -> str:
    return owner()


def marked(person: str, months: int, now: float | None = None) -> str:
    """Let an operator mark a payment; return its id."""
    before = {one["id"] for one in payments.show(person)["payments"]}
    shown = payments.mark_paid("operator:ann", person, months, now=now)["payments"]
    [id] = {one["id"] for one in shown} - before
    return str(id)


def lines(shown: dict[str, Any]) -> list[tuple[str, str, str]]:
    return sorted((one["kind"], one["amount"], one["detail"]) for one in shown["payments"])


def test_months_that_were_marked_by_mistake_are_taken_back_and_stay_in_the_book(person: str) -> None:
    before = payments.show(person)
    id = marked(person, 12)
    shown = taking_back.take_back("operator:ben", OWNER, id)
    assert (shown["state"], shown["until"]) == (before["state"], before["until"])
    assert lines(shown) == [("paid", "$60", "12 months"), ("refunded", "$60", "12 months")]
    assert [
        (row["actor"], row["detail"]) for row in trail(f"agent:{person}") if row["action"] == "payments.take_back"
    ] == [("operator:ben", f"12 months, {id}")]


def test_twice_takes_back_once_and_the_newest_goes_first(person: str) -> None:
    first = marked(person, 3)
    until = payments.show(person)["until"]
    second = marked(person, 1, time.time() + 1)
    with pytest.raises(Conflict, match=second):
        taking_back.take_back("operator:ann", person, first)
    shown = taking_back.take_back("operator:ann", person, second)
    assert taking_back.take_back("operator:ann", person, second) == shown
    assert shown["until"] == until
    assert taking_back.newest(person) == first
    taking_back.take_back("operator:ann", person, first)
    assert taking_back.newest(person) is None


def test_of_another_account_or_by_another_way_nothing_is_taken_back(stripe: FakeStripe, person: str) -> None:
    other = owner("other@example.org")
    id = marked(other, 1)
    with transaction():
        rows.change(person, trial_ends=time.time() - 10)
    payments.checkout(person)
    stripe.books.complete(next(iter(stripe.books.sessions)))
    payments.returned(person)
    [charge] = payments.show(person)["payments"]
    for wrong in (id, charge["id"], "", "manual_x", None, "\n" * 999, f"{id}_back"):
        with pytest.raises(NotFound):
            taking_back.take_back("operator:ann", person, wrong)
    with pytest.raises(NotFound):
        taking_back.take_back("operator:ann", "nobody@example.org", id)
    assert len(payments.show(other)["payments"]) == 1


def test_who_was_warned_already_is_suspended_as_if_nothing_had_been_marked(person: str) -> None:
    poured()
    now = time.time()
    days_pass(now + 14.1 * DAY)
    id = marked(person, 1, now + 15 * DAY)
    assert payments.show(person, now + 15 * DAY)["state"] == "active"
    days_pass(now + 22 * DAY)
    assert accounts.show(person)["state"] == "active"
    assert taking_back.take_back("operator:ann", person, id, now=now + 22 * DAY)["state"] == "suspended"
    assert accounts.show(person)["state"] == "suspended"
    assert told()[bots.show("my")["id"]]["state"] == "stopped"


def test_whose_bots_ran_again_for_it_is_warned_before_they_stop_again(person: str) -> None:
    poured()
    now = time.time()
    days_pass(now + 25 * DAY)
    assert accounts.show(person)["state"] == "suspended"
    id = marked(person, 12, now + 25 * DAY)
    days_pass(now + 50 * DAY)
    shown = taking_back.take_back("operator:ann", person, id, now=now + 50 * DAY)
    assert (shown["state"], accounts.show(person)["state"]) == ("past_due", "active")
    days_pass(now + 58 * DAY)
    assert accounts.show(person)["state"] == "suspended"


def test_marking_goes_on_from_what_is_left(person: str) -> None:
    marked(person, 1)
    second = marked(person, 2, time.time() + 1)
    until = payments.show(person)["until"]
    taking_back.take_back("operator:ann", person, second)
    marked(person, 2, time.time() + 2)
    assert payments.show(person)["until"] == until


def test_a_page_to_pay_that_was_made_for_what_was_marked_is_closed(stripe: FakeStripe, person: str) -> None:
    id = marked(person, 1)
    payments.checkout(person)
    taking_back.take_back("operator:ann", person, id)
    assert [one["status"] for one in stripe.books.sessions.values()] == ["expired"]
