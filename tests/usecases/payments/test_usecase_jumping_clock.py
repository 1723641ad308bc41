import time
from collections.abc import Callable

import pytest
from days import days_pass
from pouring import bot, owner

from pillar_service.core.people.agents import Desired
from pillar_service.usecases.bots import bots
from pillar_service.usecases.nodes import presence
from pillar_service.usecases.payments import payments

DAY = 86_400.0


@pytest.fixture
def person(service: Callable[[], None]) -> str:
    person = owner()
    bot()
    return person


def deletes_at(person: str) -> float:
    return float(payments.show(person)["deletes_at"])


def test_a_clock_that_jumps_deletes_nobody_s_bots(person: str) -> None:
    now = time.time() + 30 * DAY
    days_pass(now)
    assert payments.show(person, now)["state"] == "suspended"
    left = deletes_at(person) - now
    for jump in (40, 4000):
        assert payments.run_due(now + jump * DAY)["steps"] == []
        assert payments.run_due(now + jump * DAY + 3600)["steps"] == []
        assert bots.show("my")["desired"] != Desired.ABSENT
        assert deletes_at(person) - now - jump * DAY == pytest.approx(left, abs=7200)
    assert payments.run_due(now)["steps"] == []
    assert deletes_at(person) - now == pytest.approx(left, abs=2 * 7200), "as if nothing had been"
    assert days_pass(now + left + DAY)[-1]["step"] == "close"


def test_a_clock_that_jumps_suspends_nobody_who_was_warned_today(person: str) -> None:
    now = time.time() + 15 * DAY
    assert [one["step"] for one in days_pass(now)] == ["warn"]
    assert payments.run_due(now + 60 * DAY)["steps"] == []
    assert payments.show(person, now + 60 * DAY)["state"] == "past_due"


def test_the_watchman_who_sees_the_jump_first_changes_nothing_of_that(person: str) -> None:
    now = time.time() + 30 * DAY
    days_pass(now)
    presence.look(now + 100 * DAY)
    assert payments.run_due(now + 100 * DAY)["steps"] == []
    assert bots.show("my")["desired"] != Desired.ABSENT
