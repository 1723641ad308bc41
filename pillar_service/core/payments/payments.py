"""Payments: the state of an account's subscription, and the step that is due.

    trial ──► active ──► past_due ──► suspended ──► closed
               ▲            │             │            │
               └────────────┴─── paid ────┴────────────┘

An account is covered until the latest of three: the end of its trial, what was paid to the provider, and what operators
marked as paid. After that it is past due: the first warning is sent, and the grace period counts from that mail, so
that nobody is suspended unwarned because a machine was off. Whoever cancelled gets no grace period. Data is kept for
``keep_s`` from the suspension on.
"""

import calendar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from pillar_service.core.durations import DAY_S

LAST_WARNING_S = 2 * DAY_S
"""How long before the suspension, in seconds, the last warning is sent; half the grace period, if that is shorter."""

WITHOUT_HUNDREDTHS = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"]
)
WITH_THOUSANDTHS = frozenset(["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"])
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "nzd": "NZ$"}


class ProviderName(StrEnum):
    """Who takes the money."""

    MANUAL = "manual"
    STRIPE = "stripe"


class PaymentState(StrEnum):
    """The state of an account's subscription."""

    TRIAL = "trial"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class PaymentKind(StrEnum):
    """What happened to an amount."""

    PAID = "paid"
    REFUNDED = "refunded"
    FAILED = "failed"


class Step(StrEnum):
    """What is to be done when the state has changed."""

    WARN = "warn"
    WARN_LAST = "warn_last"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE = "close"


@dataclass(frozen=True)
class Terms:
    """The terms of an account; times are in seconds."""

    is_free: bool
    grace_s: float
    keep_s: float


@dataclass(frozen=True)
class Facts:
    """What is known of a subscription; moments are Unix seconds.

    ``paid_until`` comes from the provider, ``marked_until`` from operators. ``warned_for`` and ``warned_last_for`` are
    the ends of cover that the warnings were about, so that each is sent once.
    """

    trial_ends: float
    paid_until: float | None = None
    marked_until: float | None = None
    cancelled_at: float | None = None
    warned_at: float | None = None
    warned_for: float | None = None
    warned_last_for: float | None = None
    suspended_at: float | None = None
    closed_at: float | None = None

    @property
    def due_at(self) -> float:
        """When its cover ends."""
        return max(self.trial_ends, self.paid_until or 0.0, self.marked_until or 0.0)

    @property
    def is_left(self) -> bool:
        """Whether the person cancelled, so that it ends there."""
        return self.cancelled_at is not None and self.due_at == self.paid_until


def suspends_at(facts: Facts, terms: Terms) -> float | None:
    """When it is suspended unless somebody pays; None as long as that is not fixed (nobody has been warned yet)."""
    if facts.is_left:
        return facts.due_at
    if facts.warned_at is None or facts.warned_for != facts.due_at:
        return None
    return max(facts.due_at, facts.warned_at) + terms.grace_s


def state(facts: Facts, terms: Terms, now: float) -> PaymentState:
    """The state at a moment; without new facts it only moves forward."""
    if terms.is_free or now < facts.due_at:
        in_trial = not terms.is_free and facts.due_at == facts.trial_ends
        return PaymentState.TRIAL if in_trial else PaymentState.ACTIVE
    if facts.closed_at is not None:
        return PaymentState.CLOSED
    if facts.suspended_at is not None:
        return PaymentState.CLOSED if now >= facts.suspended_at + terms.keep_s else PaymentState.SUSPENDED
    ends = suspends_at(facts, terms)
    return PaymentState.PAST_DUE if ends is None or now < ends else PaymentState.SUSPENDED


def step(facts: Facts, terms: Terms, now: float) -> Step | None:
    """The step that is due now, or None; `taken` says what it changes."""
    match state(facts, terms, now):
        case PaymentState.TRIAL | PaymentState.ACTIVE:
            return Step.RESUME if facts.suspended_at is not None else None
        case PaymentState.PAST_DUE:
            return _warning(facts, terms, now)
        case PaymentState.SUSPENDED:
            return Step.SUSPEND if facts.suspended_at is None else None
        case _:
            return Step.CLOSE if facts.closed_at is None else None


def _warning(facts: Facts, terms: Terms, now: float) -> Step | None:
    ends = suspends_at(facts, terms)
    if ends is None:
        return Step.WARN
    late = now >= ends - min(LAST_WARNING_S, terms.grace_s / 2)
    return Step.WARN_LAST if late and facts.warned_last_for != facts.due_at else None


def taken(facts: Facts, done: Step, now: float) -> Facts:
    """The facts after a step was taken."""
    match done:
        case Step.WARN:
            return replace(facts, warned_at=now, warned_for=facts.due_at)
        case Step.WARN_LAST:
            return replace(facts, warned_last_for=facts.due_at)
        case Step.SUSPEND:
            return replace(facts, suspended_at=now)
        case Step.CLOSE:
            return replace(facts, closed_at=now)
        case Step.RESUME:
            return replace(facts, suspended_at=None, closed_at=None)


def again(left: Facts) -> Facts:
    """The facts for a new account of somebody whose account was deleted, from those at its deletion.

    A trial and its grace period are granted only once, and payments still count. The cancellation, the suspension and
    the closing do not apply to the new account.
    """
    return replace(left, cancelled_at=None, suspended_at=None, closed_at=None)


def marked(facts: Facts, terms: Terms, months: int, anchor_day: int | None, now: float) -> tuple[float, int]:
    """The new end of cover once so many months are marked as paid, and the day of the month to keep for it.

    The months follow the present cover; after a suspension, or a silence longer than the grace period, they begin now.
    """
    is_over = facts.suspended_at is not None or now > facts.due_at + terms.grace_s
    start = now if is_over else facts.due_at
    keeps = anchor_day is not None and not is_over and facts.marked_until == start
    day = anchor_day if keeps and anchor_day is not None else datetime.fromtimestamp(start, UTC).day
    return add_months(start, months, day), day


def taken_back(facts: Facts, months: int, anchor_day: int | None) -> float:
    """The new ``marked_until`` once that many of the newest marked months are taken back.

    Months that began with a payment after a silence end at the moment of that payment: the account is warned again.
    """
    until = facts.marked_until or 0.0
    return add_months(until, -months, anchor_day or datetime.fromtimestamp(until, UTC).day)


def add_months(at: float, months: int, anchor_day: int) -> float:
    """The moment so many calendar months later (UTC), on the anchor day, or the last day of a month that is too short."""
    then = datetime.fromtimestamp(at, UTC)
    year, month = divmod(then.year * 12 + then.month - 1 + months, 12)
    day = min(anchor_day, calendar.monthrange(year, month + 1)[1])
    return then.replace(year=year, month=month + 1, day=day).timestamp()


def span(months: int) -> str:
    """A number of months as people read it."""
    return "1 month" if months == 1 else f"{months} months"


def months_in(span: str) -> int:
    """The number of months in a text of `span`."""
    return int(span.split()[0])


def money(cents: int, currency: str) -> str:
    """An amount in its currency's smallest unit as people read it: 500 of usd is '$5', 512 is '$5.12', 5 of jpy '5 JPY'."""
    places = _places(currency.lower())
    whole, part = divmod(cents, 10**places)
    amount = f"{whole}.{part:0{places}d}" if part else str(whole)
    sign = SIGNS.get(currency.lower())
    return f"{sign}{amount}" if sign else f"{amount} {currency.upper()}"


def _places(currency: str) -> int:
    if currency in WITHOUT_HUNDREDTHS:
        return 0
    return 3 if currency in WITH_THOUSANDTHS else 2
