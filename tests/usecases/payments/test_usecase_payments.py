"""Paying by hand: trials end, bots stop and start, payments are marked; and what holds for every provider."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from paying import DAY, Written, states
from pouring import OWNER, bot, carry_out, owner, poured, told

from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.people.agents import AccountState, Belonging
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.store.people import agents, mails
from pillar_service.usecases.bots import bots
from pillar_service.usecases.payments import dues, payments, subscriptions
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("mailed")


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


def test_members_read_that_a_bot_goes_because_its_owner_did_not_pay(person: str) -> None:
    alone, shared = poured("alone"), poured("shared")
    member, other = owner("member@example.org"), owner("other@example.org")
    with transaction():
        for one in (alone, shared):
            agents.join(member, one["id"], Belonging.MEMBER)
        agents.join(other, shared["id"], Belonging.OWNER)
    for account in (member, other):
        payments.mark_paid("test", account, 6)
    states(person, 14.01, 21.02, 51.1)
    [mail] = mails.Mail.select().where(mails.Mail.recipient == "member@example.org")
    assert (mail.subject, OWNER in mail.text) == ("The bot alone.butt.nz is gone", False)


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


def test_by_hand_nobody_is_sent_to_a_provider(person: str) -> None:
    for act in (payments.checkout, payments.portal):
        with pytest.raises(Conflict, match="by hand"):
            act(person)
    with pytest.raises(Invalid):
        payments.take_event(b"{}", "")
    assert payments.returned(person)["can_pay"] is False
