"""Subscriptions: what is known of how an account pays, for whoever needs to ask."""

import math
from functools import cache
from typing import Any

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import NotFound
from pillar_service.core.payments import payments as rules
from pillar_service.core.payments.payments import Facts, PaymentState, ProviderName, Terms
from pillar_service.core.people.agents import AccountRole, AccountState
from pillar_service.payments.manual import Manual
from pillar_service.payments.provider import Provider
from pillar_service.settings import settings
from pillar_service.store.payments import payments
from pillar_service.store.payments.payments import Subscription
from pillar_service.store.people import accounts

FACTS = tuple(Facts.__dataclass_fields__)
POURING = frozenset({PaymentState.TRIAL, PaymentState.ACTIVE, PaymentState.PAST_DUE})


def begin(account: str, now: float, before: str | None = None) -> None:
    """Start the trial of a new account, in the transaction that makes it.

    ``before`` is the account that the same person deleted earlier, if any: the new one goes on from where that stood.
    """
    left = payments.find(before) if before else None
    trial_ends = math.ceil(now + settings().trial_days * DAY_S)  # providers count whole seconds
    payments.add(account, Facts(trial_ends) if left is None else rules.again(facts(left)))


def found(account: str) -> Subscription:
    """The subscription of an account (its id); raises NotFound."""
    row = payments.find(account)
    if row is None:
        raise NotFound("There is no such account.")
    return row


def facts(row: Subscription) -> Facts:
    """The facts that core needs to know of a subscription."""
    return Facts(**{name: getattr(row, name) for name in FACTS})


def terms(account: str, role: str | None = None) -> Terms:
    """The terms that hold for an account; giving its ``role``, if known, saves a query.

    Operators do not pay: whoever runs the place can't be locked out of it.
    """
    chosen = settings()
    is_free = chosen.price_cents == 0 or (role or _role(account)) == AccountRole.OPERATOR
    return Terms(is_free, chosen.grace_days * DAY_S, chosen.keep_days * DAY_S)


def _role(account: str) -> str | None:
    holder = accounts.find(account)
    return None if holder is None else holder.role


def state(row: Subscription, now: float) -> PaymentState:
    """A subscription's state at a moment (Unix seconds)."""
    return rules.state(facts(row), terms(row.account), now)


def standing(account: str, now: float, role: str | None = None) -> dict[str, Any]:
    """An account's state, until when it is covered (None when free), and when it is suspended and deleted."""
    row = found(account)
    known, holds = facts(row), terms(account, role)
    is_now = rules.state(known, holds, now)
    return {
        "state": str(is_now),
        "until": None if holds.is_free else known.due_at,
        "suspends_at": None
        if holds.is_free
        else rules.suspends_at(known, holds) or max(known.due_at, now) + holds.grace_s,
        "deletes_at": known.suspended_at + holds.keep_s if known.suspended_at is not None else None,
        "renews": row.live and row.cancelled_at is None,
        "is_free": holds.is_free,
    }


def may_pour(account: str, now: float) -> bool:
    """Whether an account (its id) may have new bots: neither it nor its subscription is suspended or closed."""
    holder, row = accounts.find(account), payments.find(account)
    if holder is None or holder.state != AccountState.ACTIVE:
        return False
    return row is None or state(row, now) in POURING


def provider() -> Provider:
    """The provider that takes payments here."""
    chosen = settings()
    if chosen.payments == ProviderName.MANUAL:
        return Manual()
    return _stripe(chosen.stripe_key, chosen.stripe_webhook_secret, chosen.stripe_price, chosen.stripe_url)


@cache
def _stripe(key: str, webhook_secret: str, price: str, url: str) -> Provider:
    # Imported here because the stripe library takes 15 MiB in each worker: only a place that uses Stripe loads it.
    from pillar_service.payments.stripe import Stripe

    return Stripe(key, webhook_secret, price, url)
