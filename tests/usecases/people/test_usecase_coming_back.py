"""Someone who deletes their account and makes another with the same address is where they left off."""

import time
from collections.abc import Callable

import pytest
from days import days_pass
from pouring import OWNER

from pillar_service.store.people.accounts import Account
from pillar_service.usecases.bots import bots
from pillar_service.usecases.payments import payments
from pillar_service.usecases.people import accounts, leaving, sign_up

pytestmark = pytest.mark.usefixtures("service")
DAY = 86_400.0
PASSWORD = "seven lemons in a cellar"


def come(email: str = OWNER, bot: str = "") -> sign_up.Made:
    """Sign up in a place that sends no mail."""
    token = sign_up.start(email, PASSWORD, "192.0.2.1")["newbie"]
    made = sign_up.ask(token, "Ann", bot, "192.0.2.1", "" if bot else sign_up.JOIN)
    assert made is not None
    return made


def leave(person: str, email: str = OWNER) -> None:
    leaving.delete(person, email, PASSWORD, None)


def test_a_trial_is_had_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = come().account
    ends = payments.show(first)["until"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10 * DAY)
    for _ in range(3):
        leave(first)
        first = come().account
        assert payments.show(first)["until"] == ends
    other = come("other@example.org").account
    assert payments.show(other)["until"] > ends + 9 * DAY


def test_nor_is_the_grace_had_again_and_the_account_is_made_without_a_bot() -> None:
    now = time.time()
    person = come(bot="my").account
    days_pass(now + 22 * DAY)
    assert payments.show(person, now + 22 * DAY)["state"] == "suspended"
    with pytest.MonkeyPatch.context() as later:
        later.setattr(time, "time", lambda: now + 22 * DAY)
        leave(person)
        made = come(bot="another")
        assert "pay first" in made.refused
        assert bots.listed(account=made.account) == []
        assert payments.show(made.account)["state"] == "suspended"
        days_pass(now + 22.1 * DAY)
        assert accounts.show(made.account)["state"] == "suspended"


def test_what_was_paid_counts_still_and_who_paid_is_warned_as_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    person, now = come().account, time.time()
    until = payments.mark_paid("test", person, 2)["until"]
    leave(person)
    assert payments.show(come().account)["until"] == until
    days_pass(now)
    days_pass(now + 200 * DAY)
    monkeypatch.setattr(time, "time", lambda: now + 200 * DAY)
    made = accounts.found(OWNER).id
    assert payments.show(made)["state"] == "closed"
    payments.mark_paid("test", made, 1)
    assert accounts.show(made)["state"] == "active"


def test_whom_an_operator_suspended_is_suspended_still() -> None:
    person = come().account
    accounts.set_state("operator:ann", person, "suspended")
    leave(person)
    made = come(bot="my")
    assert "ask whoever runs this place" in made.refused
    assert (accounts.show(made.account)["state"], bots.listed()) == ("suspended", [])
    leave(made.account)
    assert accounts.create("operator:ann", OWNER)[0]["state"] == "active", "an operator may let them in again"


def test_nothing_that_is_kept_names_who_left(monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]) -> None:
    person = come().account
    leave(person)
    kept = Account.get(Account.agent == person).email
    assert "owner" not in kept
    assert person in kept, "two who left never collide"
    monkeypatch.setenv("CELLAR_SECRET_KEY", "x" * 40)
    service()
    again = come().account
    leave(again)
    before, after = kept.split("-")[1], Account.get(Account.agent == again).email.split("-")[1]
    assert before != after, "without the key nobody can look for an address"
