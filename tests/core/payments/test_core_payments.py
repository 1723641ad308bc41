from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core.durations import DAY_S
from pillar_service.core.payments.payments import (
    Facts,
    PaymentState,
    Step,
    Terms,
    add_months,
    marked,
    money,
    state,
    step,
    suspends_at,
    taken,
)

TERMS = Terms(False, 7 * DAY_S, 30 * DAY_S)
FREE = Terms(True, 7 * DAY_S, 30 * DAY_S)
T0 = 1_800_000_000.0
RANK = {PaymentState.TRIAL: 0, PaymentState.ACTIVE: 0, PaymentState.PAST_DUE: 1, PaymentState.SUSPENDED: 2}
RANK[PaymentState.CLOSED] = 3

moments = st.integers(-400, 400).map(lambda day: T0 + day * DAY_S)
maybe = st.none() | moments
facts = st.builds(Facts, moments, maybe, maybe, maybe, maybe, maybe, maybe, maybe, maybe)
terms = st.builds(Terms, st.just(False), st.floats(0, 30 * DAY_S), st.floats(0, 90 * DAY_S))


def day(n: float) -> float:
    return T0 + n * DAY_S


def run(known: Facts, now: float, holds: Terms = TERMS) -> tuple[Facts, list[Step]]:
    """Take all steps that are due at a moment."""
    steps = []
    while (due := step(known, holds, now)) is not None:
        known = taken(known, due, now)
        steps.append(due)
        assert len(steps) < 9, "it never ends"
    return known, steps


def test_a_life_without_a_payment() -> None:
    known, seen = Facts(trial_ends=day(14)), []
    for hour in range(24 * 60):
        known, steps = run(known, day(hour / 24))
        seen += [(hour / 24, each) for each in steps]
    assert seen == [(14, Step.WARN), (19, Step.WARN_LAST), (21, Step.SUSPEND), (51, Step.CLOSE)]


@pytest.mark.parametrize(
    ("known", "now", "is_now"),
    [
        (Facts(day(14)), 13.9, "trial"),
        (Facts(day(14)), 14, "past_due"),
        (Facts(day(14)), 400, "past_due"),  # nobody warned yet
        (Facts(day(14), paid_until=day(45)), 3, "active"),
        (Facts(day(14), paid_until=day(14)), 3, "trial"),
        (Facts(day(14), marked_until=day(45)), 44.9, "active"),
        (Facts(day(14), paid_until=day(30), marked_until=day(45)), 44.9, "active"),
        (Facts(day(14), warned_at=day(15), warned_for=day(14)), 21.9, "past_due"),
        (Facts(day(14), warned_at=day(15), warned_for=day(14)), 22, "suspended"),
        (Facts(day(14), warned_at=day(1), warned_for=day(0)), 22, "past_due"),
        (Facts(day(14), paid_until=day(45), cancelled_at=day(20)), 44, "active"),
        (Facts(day(14), paid_until=day(45), cancelled_at=day(20)), 45, "suspended"),
        (Facts(day(14), paid_until=day(45), marked_until=day(50), cancelled_at=day(20)), 50, "past_due"),
        (Facts(day(14), suspended_at=day(21)), 50.9, "suspended"),
        (Facts(day(14), suspended_at=day(21)), 51, "closed"),
        (Facts(day(14), suspended_at=day(80)), 100, "suspended"),
        (Facts(day(14), suspended_at=day(21), closed_at=day(51)), 60, "closed"),
        (Facts(day(14), paid_until=day(90), suspended_at=day(21), closed_at=day(51)), 60, "active"),
    ],
)
def test_the_state_at_a_moment(known: Facts, now: float, is_now: str) -> None:
    assert state(known, TERMS, day(now)) == is_now
    assert state(known, FREE, day(now)) == "active"


def test_a_machine_that_was_off_warns_before_it_suspends_and_keeps_data_from_then_on() -> None:
    known, steps = run(Facts(day(14)), day(300))
    assert steps == [Step.WARN]
    assert suspends_at(known, TERMS) == day(307)
    known, steps = run(known, day(400))
    assert steps == [Step.SUSPEND]
    assert run(known, day(429.9))[1] == []
    assert run(known, day(430))[1] == [Step.CLOSE]


def test_a_payment_resumes_and_the_next_period_is_warned_anew() -> None:
    known = run(run(Facts(day(14)), day(14))[0], day(21))[0]
    known, steps = run(replace(known, paid_until=day(52)), day(22))
    assert (steps, known.suspended_at) == ([Step.RESUME], None)
    assert run(known, day(52))[1] == [Step.WARN]


@given(facts, terms, moments, st.floats(0, 300 * DAY_S))
def test_without_new_facts_a_state_only_moves_on(known: Facts, holds: Terms, now: float, later: float) -> None:
    assert RANK[state(known, holds, now)] <= RANK[state(known, holds, now + later)]


@given(facts, terms, moments)
def test_what_was_done_is_not_due_again(known: Facts, holds: Terms, now: float) -> None:
    known, steps = run(known, now, holds)
    assert len(steps) == len(set(steps))
    assert step(known, holds, now) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.sampled_from(["look", "look", "look", "pay", "mark", "cancel"])), max_size=60
    )
)
def test_never_two_steps_for_the_same_period(life: list[tuple[float, str]]) -> None:
    known, now, seen = Facts(trial_ends=day(14)), day(0), []
    for wait, act in life:
        now += wait * DAY_S
        if act == "pay":
            known = replace(known, paid_until=max(known.due_at, now) + 30 * DAY_S, cancelled_at=None)
        elif act == "mark":
            until, _ = marked(known, TERMS, 1, None, now)
            assert until > max(known.due_at, now - TERMS.grace_s), "a month that is marked is never lost"
            known = replace(known, marked_until=until)
        elif act == "cancel":
            known = replace(known, cancelled_at=now)
        period = known.due_at
        before = known
        known, steps = run(known, now)
        seen += [(period, each) for each in steps if each is not Step.RESUME]
        assert not (Step.SUSPEND in steps and before.warned_for != period and not known.is_left), "suspended unwarned"
    assert len(seen) == len(set(seen))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("start", "months", "anchor", "end"),
    [
        ("2027-01-31T10:30", 1, 31, "2027-02-28T10:30"),
        ("2028-01-31T10:30", 1, 31, "2028-02-29T10:30"),
        ("2027-02-28T10:30", 1, 31, "2027-03-31T10:30"),
        ("2027-04-30T00:00", 1, 31, "2027-05-31T00:00"),
        ("2027-12-15T23:59", 1, 15, "2028-01-15T23:59"),
        ("2027-11-30T00:00", 14, 30, "2029-01-30T00:00"),
        ("2028-02-29T00:00", 12, 29, "2029-02-28T00:00"),
        ("2027-01-01T00:00", 24, 1, "2029-01-01T00:00"),
    ],
)
def test_a_month_is_a_calendar_month(start: str, months: int, anchor: int, end: str) -> None:
    assert add_months(at(start), months, anchor) == at(end)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)), st.lists(st.integers(1, 14)))
def test_months_one_by_one_are_as_long_as_at_once(start: datetime, steps: list[int]) -> None:
    now = start.timestamp()
    for months in steps:
        now = add_months(now, months, start.day)
    assert now == pytest.approx(add_months(start.timestamp(), sum(steps), start.day), abs=0.001)
    assert timedelta(0) <= datetime.fromtimestamp(now, UTC) - start <= timedelta(days=31 * sum(steps) + 1)


def test_months_that_are_marked_keep_their_day_and_begin_anew_after_a_suspension() -> None:
    known = Facts(trial_ends=at("2027-01-31T12:00"))
    until, anchor = marked(known, TERMS, 1, None, at("2027-01-20T12:00"))
    assert (until, anchor) == (at("2027-02-28T12:00"), 31)
    known = replace(known, marked_until=until)
    until, anchor = marked(known, TERMS, 1, anchor, at("2027-03-05T12:00"))
    assert (until, anchor) == (at("2027-03-31T12:00"), 31)
    known = replace(known, marked_until=until, suspended_at=at("2027-04-08T12:00"))
    assert marked(known, TERMS, 2, anchor, at("2027-04-20T08:00")) == (at("2027-06-20T08:00"), 20)


@pytest.mark.parametrize(
    ("cents", "currency", "text"),
    [
        (500, "usd", "$5"),
        (512, "usd", "$5.12"),
        (1005, "eur", "€10.05"),
        (5, "eur", "€0.05"),
        (550, "chf", "5.50 CHF"),
        (500, "nzd", "NZ$5"),
        (1250, "nzd", "NZ$12.50"),
        (500, "USD", "$5"),
        (700, "jpy", "700 JPY"),
        (1500, "kwd", "1.500 KWD"),
        (5, "BHD", "0.005 BHD"),
        (12000, "tnd", "12 TND"),
    ],
)
def test_money(cents: int, currency: str, text: str) -> None:
    assert money(cents, currency) == text
