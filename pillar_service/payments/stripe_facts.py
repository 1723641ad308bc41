"""What Stripe's subscriptions, invoices and charges say of a customer."""

from collections.abc import Iterator, Sequence
from typing import Any

from pillar_service.core.payments.payments import PaymentKind
from pillar_service.payments.provider import Charge, Told

LIVE = frozenset({"trialing", "active", "past_due", "unpaid", "paused"})
COVERING = frozenset({"trialing", "active"})
NOT_CHOSEN = frozenset({"payment_failed", "payment_disputed"})


def facts(found: Sequence[Any], invoices: Sequence[Any], charges: Sequence[Any]) -> Told:
    """What follows from a customer's subscriptions, paid invoices and charges."""
    live = [one for one in found if one.status in LIVE]
    last = max(live, key=_goes_on) if live else max(found, key=lambda one: one.created, default=None)
    # A renewal's invoice is paid an hour after its month began; until it fails, Stripe's own word counts.
    ends = [*_periods(invoices), *(_period_end(one) for one in live if one.status in COVERING)]
    return Told(
        reference=str(last.id) if last else None,
        live=bool(live),
        surplus=tuple(str(one.id) for one in live if one is not last and one.canceled_at is None),
        cancelled_at=_cancelled_at(last),
        paid_until=max(ends, default=None),
        charges=tuple(kept for charge in charges for kept in _charges(charge)),
    )


def _goes_on(subscription: Any) -> tuple[bool, bool, float]:
    """The sort key of the subscription that counts: one whose card works, then one not cancelled, then the newest."""
    return subscription.status in COVERING, subscription.canceled_at is None, float(subscription.created)


def _period_end(subscription: Any) -> float:
    # By index, because the attribute ``items`` would be a mapping's own method.
    return max(float(item.current_period_end) for item in subscription["items"].data)


def _periods(invoices: Sequence[Any]) -> Iterator[float]:
    for invoice in invoices:
        if invoice.parent and invoice.parent.type == "subscription_details":
            yield from (float(line.period.end) for line in invoice.lines.data)


def _cancelled_at(subscription: Any) -> float | None:
    if subscription is None or subscription.canceled_at is None:
        return None
    details = subscription.cancellation_details
    return None if details and details.reason in NOT_CHOSEN else float(subscription.canceled_at)


def _charges(charge: Any) -> Iterator[Charge]:
    kind = {"succeeded": PaymentKind.PAID, "failed": PaymentKind.FAILED}.get(charge.status)
    if kind is None:
        return
    said = str(charge.failure_message or "")[:200]
    left = 0 if charge.disputed or kind is not PaymentKind.PAID else int(charge.amount - charge.amount_refunded)
    yield Charge(str(charge.id), kind, int(charge.amount), str(charge.currency), float(charge.created), said, left)
    for refund in charge.refunds.data if charge.refunds else ():
        if refund.status == "succeeded":
            at = float(refund.created)
            yield Charge(str(refund.id), PaymentKind.REFUNDED, int(refund.amount), str(refund.currency), at)
