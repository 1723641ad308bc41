"""Operators take back what they marked as paid by mistake, newest first; both stay in the account's payments."""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, NotFound
from pillar_service.core.payments import payments as rules
from pillar_service.core.payments.payments import PaymentKind, ProviderName
from pillar_service.store.database import transaction
from pillar_service.store.payments import payments as rows
from pillar_service.store.payments.payments import Payment
from pillar_service.usecases.payments import dues, payments, subscriptions
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import auditing


def newest(person: str) -> str | None:
    """The id of the payment of an account (its id) that can be taken back: the last one marked that still counts."""
    left = _left(person)
    return str(left[0].id) if left else None


def take_back(actor: str, account: object, payment: object, now: float | None = None) -> dict[str, Any]:
    """Take back months that were marked as paid for an account (id or address), as an operator; twice counts once.

    Returns what `payments.of_account` does: the state follows from what is left. Raises NotFound, Conflict (months
    marked later still count).
    """
    person, then = str(accounts.found(account).id), time.time() if now is None else now
    with transaction():
        if payment not in [row.id for row in _marks(person)]:
            raise NotFound(
                f"No operator marked {names.shown(payment)} as paid for this account: its payments show what was "
                "marked."
            )
        left = _left(person)
        if payment in [row.id for row in left[1:]]:
            raise Conflict(f"Later months are marked too: take those back first, {left[0].id}.")
        if left and left[0].id == payment:
            _take(actor, left[0], then)
            dues.carry_out(person, then)
    dues.close_pages(person)
    return payments.of_account(person, then)


def _marks(person: str) -> list[Payment]:
    """What was marked, newest first."""
    return [row for row in rows.payments_by(ProviderName.MANUAL, person) if row.kind == PaymentKind.PAID]


def _left(person: str) -> list[Payment]:
    """What was marked and not taken back, newest first."""
    marks = _marks(person)
    gone = rows.known(_id_of_return(row) for row in marks)
    return [row for row in marks if _id_of_return(row) not in gone]


def _id_of_return(mark: Payment) -> str:
    return f"{mark.id}_back"


def _take(actor: str, mark: Payment, now: float) -> None:
    row = subscriptions.found(mark.account)
    until = rules.taken_back(subscriptions.facts(row), rules.months_in(mark.detail), row.anchor_day)
    rows.change(mark.account, marked_until=until)
    amount = {"amount_cents": mark.amount_cents, "currency": mark.currency, "detail": mark.detail}
    rows.add_payment(_id_of_return(mark), mark.account, PaymentKind.REFUNDED, now, provider=mark.provider, **amount)
    auditing.record(actor, "payments.take_back", f"agent:{mark.account}", now, f"{mark.detail}, {mark.id}")
