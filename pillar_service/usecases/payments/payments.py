"""Payments: what people see and do about them, what operators mark, what a provider reports."""

import hashlib
import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict
from pillar_service.core.payments import payments as rules
from pillar_service.core.payments.payments import PaymentKind, ProviderName
from pillar_service.payments.provider import Event, NoSuchCustomer, Order
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments
from pillar_service.store.payments.payments import Payment, Subscription
from pillar_service.usecases.payments import dues, subscriptions
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import auditing

MOST_MONTHS = 24
MOST_SHOWN = 24
EVENTS_KEPT_S = 90 * DAY_S
"""Events are remembered for longer than any provider keeps resending them."""

ABOUT = ("checkout.session.", "customer.subscription.", "invoice.", "charge.", "refund.")
"""Events that may mean that something was paid, failed, refunded or cancelled; all others are ignored."""


def show(person: str, now: float | None = None, most: int | None = MOST_SHOWN) -> dict[str, Any]:
    """The state of an account (its id), its price, what was paid and what can be done about it; raises NotFound.

    ``most`` is how many of the newest payments are returned, None for all.
    """
    row, then, chosen = subscriptions.found(person), time.time() if now is None else now, settings()
    online = chosen.payments != ProviderName.MANUAL
    stands = subscriptions.standing(person, then)
    return stands | {
        "price": rules.money(chosen.price_cents, chosen.currency),
        "can_pay": online and not row.live and not stands["is_free"],
        "can_manage": online and row.customer is not None,
        "cancelled_at": row.cancelled_at,
        "payments": [_shown(payment) for payment in payments.payments_of(person, most)],
    }


def _shown(payment: Payment) -> dict[str, Any]:
    amount = rules.money(payment.amount_cents, payment.currency)
    told = {"id": payment.id, "kind": payment.kind, "amount": amount, "at": payment.at, "detail": payment.detail}
    return {**told, "by_hand": payment.provider == ProviderName.MANUAL}


def standing(person: str, role: str) -> dict[str, Any]:
    """The state of an account (its id, with its role), as every page may show it; raises NotFound."""
    return subscriptions.standing(person, time.time(), role)


def listed(now: float | None = None) -> list[dict[str, Any]]:
    """Every account and its state, by address."""
    then = time.time() if now is None else now
    stand = {row.account: row for row in payments.listed()}
    return [_of_account(account, then) for account in accounts.listed() if account["id"] in stand]


def _of_account(account: dict[str, Any], now: float) -> dict[str, Any]:
    return {"account": account["id"], "email": account["email"], **subscriptions.standing(account["id"], now)}


def of_account(key: object, now: float | None = None) -> dict[str, Any]:
    """One account (id or address), its state and what was paid; raises NotFound."""
    account = accounts.show(key)
    return {"account": account["id"], "email": account["email"], **show(account["id"], now)}


def checkout(person: str, now: float | None = None) -> str:
    """The address of the page where a person pays; raises Conflict if there is nothing to pay, or no payment here."""
    provider, chosen, then = subscriptions.provider(), settings(), time.time() if now is None else now
    if subscriptions.terms(person).is_free:
        raise Conflict("There is nothing to pay here.")
    customer = _customer(person)
    dues.ask(person)
    row = subscriptions.found(person)
    if row.live:
        raise Conflict("You already pay each month: if a payment failed, change the card.")
    page = f"{chosen.address}/payment"
    due_at = subscriptions.facts(row).due_at
    number = row.reference or "first"
    return provider.checkout(Order(customer, person, due_at, f"{page}/thanks", f"{page}/cancelled", number), then)


def _customer(person: str) -> str:
    row, provider = subscriptions.found(person), subscriptions.provider()
    known = row.customer if row.provider == provider.name else None
    customer, now = provider.customer(person, accounts.found(person).email, known), time.time()
    if customer != known:
        with transaction():
            kept = _kept(subscriptions.found(person))
            payments.change(person, customer=customer, provider=str(provider.name), asked_at=None, **kept)
            auditing.record(f"account:{person}", "payments.customer", f"agent:{person}", now, customer)
    return customer


def _kept(row: Subscription) -> dict[str, Any]:
    """The columns that keep what was paid as an earlier customer as if operators had marked it.

    The provider will say nothing more about that customer.
    """
    if (row.paid_until or 0.0) <= (row.marked_until or 0.0):
        return {}
    return {"marked_until": row.paid_until, "anchor_day": None}


def portal(person: str) -> str:
    """The address of the page where a person changes the card or cancels; raises Conflict if there is none."""
    row, provider = subscriptions.found(person), subscriptions.provider()
    if row.customer is None and provider.name != ProviderName.MANUAL:
        raise Conflict("You have not paid yet: there is no card to change.")
    try:
        return provider.portal(row.customer or "", f"{settings().address}/payment")
    except NoSuchCustomer:
        dues.ask(person)  # afterwards they can start paying anew
        raise


def returned(person: str) -> dict[str, Any]:
    """Ask the provider as a person comes back from it, for its event may still be on its way; returns what `show` does."""
    dues.ask(person)
    with transaction():
        dues.carry_out(person, time.time())
    return show(person)


def take_event(payload: bytes, signature: str, now: float | None = None) -> dict[str, Any]:
    """Take an event that a provider sent; returns {"event", "taken"}.

    It may come twice, late or in any order: it only makes us ask. Raises Invalid (not signed by the provider, or too
    old), Unavailable (the provider must send it again).
    """
    event = subscriptions.provider().event(payload, signature)
    row = _about(event)
    if payments.is_seen(event.id):
        return {"event": event.id, "taken": False}
    if row is not None:
        dues.ask(row.account)
    then = time.time() if now is None else now
    with transaction():
        if not payments.is_seen(event.id):
            account = row.account if row else None
            payments.add_event(event.id, event.type, account, event.created_at, then, then - EVENTS_KEPT_S)
        if row is not None:
            dues.carry_out(row.account, then)
    return {"event": event.id, "taken": row is not None}


def _about(event: Event) -> Subscription | None:
    known = event.customer is not None and event.type.startswith(ABOUT)
    return payments.of_customer(event.customer) if known and event.customer else None


def mark_paid(
    actor: str, account: object, months: object, key: str | None = None, now: float | None = None
) -> dict[str, Any]:
    """Mark months as paid for an account (id or address), as an operator; the same ``key`` twice counts once.

    Returns what `of_account` does; a suspended account runs again. Raises Invalid, NotFound, Conflict if the key was
    used for another payment.
    """
    count, then = names.whole_number(months, "number of months", 1, MOST_MONTHS), time.time() if now is None else now
    whole = hashlib.sha256(f"{actor}\n{key}".encode()).hexdigest() if key else names.new_id()
    id, person = f"manual_{whole[:32]}", str(accounts.found(account).id)
    with transaction():
        before = payments.payment(id)
        if before is not None and (before.account, before.detail) != (person, rules.span(count)):
            raise Conflict(f"The Idempotency-Key {names.shown(key)} was used for another payment: send a new one.")
        if before is None:
            _mark(actor, person, id, count, then)
            dues.carry_out(person, then)
    dues.close_pages(person)
    return of_account(person, then)


def _mark(actor: str, person: str, id: str, months: int, now: float) -> None:
    row, chosen = subscriptions.found(person), settings()
    until, day = rules.marked(subscriptions.facts(row), subscriptions.terms(person), months, row.anchor_day, now)
    payments.change(person, marked_until=until, anchor_day=day)
    said = rules.span(months)
    amount = {"amount_cents": months * chosen.price_cents, "currency": chosen.currency, "detail": said}
    payments.add_payment(id, person, PaymentKind.PAID, now, provider=str(ProviderName.MANUAL), **amount)
    auditing.record(actor, "payments.mark_paid", f"agent:{person}", now, f"{said}, {id}")


def end(actor: str, person: str) -> None:
    """End all charges to an account (its id) that leaves. Call it before the transaction that deletes the account."""
    dues.end(person)
    with transaction():
        auditing.record(actor, "payments.end", f"agent:{person}", time.time())


def run_due(now: float | None = None) -> dict[str, Any]:
    """Settle every account; returns {"accounts", "steps", "failures"}. It may be repeated, or interrupted and run again."""
    return dues.run(time.time() if now is None else now)
