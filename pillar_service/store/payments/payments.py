"""Subscriptions, payments, and the events of providers."""

from collections.abc import Iterable

from peewee import BigIntegerField, BooleanField, DoubleField, IntegerField, TextField

from pillar_service.core.payments.payments import Facts, PaymentKind, PaymentState, ProviderName
from pillar_service.store import plain
from pillar_service.store.database import Table


class Subscription(Table):
    """How one account pays. ``customer`` and ``reference`` are the provider's ids of the person and the subscription.

    ``live`` means that the provider keeps charging; ``state`` is the last state that was carried out; ``asked_at`` is when
    the provider was last asked. The other times are those of core's `Facts`.
    """

    account = TextField(primary_key=True)
    provider = TextField(default=str(ProviderName.MANUAL))
    customer = TextField(null=True, unique=True)
    reference = TextField(null=True)
    live = BooleanField(default=False)
    state = TextField(default=str(PaymentState.TRIAL))
    trial_ends = DoubleField()
    paid_until = DoubleField(null=True)
    marked_until = DoubleField(null=True)
    anchor_day = IntegerField(null=True)
    cancelled_at = DoubleField(null=True)
    warned_at = DoubleField(null=True)
    warned_for = DoubleField(null=True)
    warned_last_for = DoubleField(null=True)
    suspended_at = DoubleField(null=True)
    closed_at = DoubleField(null=True)
    asked_at = DoubleField(null=True)


class Payment(Table):
    """An amount that was paid or refunded, or failed to be; ``id`` is the provider's, so that it is kept only once."""

    id = TextField(primary_key=True)
    account = TextField()
    provider = TextField()
    kind = TextField()
    amount_cents = BigIntegerField()
    currency = TextField()
    detail = TextField(default="")
    at = DoubleField()


class ProviderEvent(Table):
    """An event of a provider that was handled; ``created_at`` is by the provider's clock."""

    id = TextField(primary_key=True)
    type = TextField()
    account = TextField(null=True)
    created_at = DoubleField()
    seen_at = DoubleField()

    class Meta:
        table_name = "provider_event"


def add(account: str, known: Facts) -> None:
    """Add an account's subscription with these facts."""
    Subscription.create(account=account, **vars(known))


def find(account: str) -> Subscription | None:
    """An account's subscription."""
    return plain.first(Subscription, "WHERE account = ?", account)


def of_customer(customer: str) -> Subscription | None:
    """The subscription of a provider's customer."""
    return Subscription.get_or_none(Subscription.customer == customer)


def listed() -> list[Subscription]:
    """All subscriptions."""
    return list(Subscription.select().order_by(Subscription.account))


def change(account: str, **columns: object) -> None:
    """Change a subscription's columns."""
    Subscription.update(**columns).where(Subscription.account == account).execute()


def put_off(seconds: float) -> None:
    """Move the times of all warnings and suspensions so many seconds later (or earlier, if negative)."""
    moments = {column: column + seconds for column in (Subscription.warned_at, Subscription.suspended_at)}
    Subscription.update(moments).execute()


def payment(id: str) -> Payment | None:
    """The payment with that id."""
    return Payment.get_or_none(Payment.id == id)


def known(ids: Iterable[str]) -> set[str]:
    """Those of these payments that are there already."""
    return {row.id for row in Payment.select(Payment.id).where(Payment.id.in_(list(ids)))}


def add_payment(id: str, account: str, kind: PaymentKind, at: float, **columns: object) -> None:
    """Add a payment."""
    Payment.create(id=id, account=account, kind=str(kind), at=at, **columns)


def payments_of(account: str, most: int | None) -> list[Payment]:
    """An account's payments, newest first: the newest, at most so many, or (None) all."""
    return list(Payment.select().where(Payment.account == account).order_by(Payment.at.desc(), Payment.id).limit(most))


def payments_by(provider: ProviderName, account: str) -> list[Payment]:
    """An account's payments by one provider, newest first."""
    mine = (Payment.account == account) & (Payment.provider == str(provider))
    return list(Payment.select().where(mine).order_by(Payment.at.desc(), Payment.id))


def is_seen(event: str) -> bool:
    """Whether that event was handled."""
    return bool(ProviderEvent.select().where(ProviderEvent.id == event).exists())


def add_event(id: str, type: str, account: str | None, created_at: float, now: float, keep_since: float) -> None:
    """Add an event, and forget those seen before ``keep_since`` (Unix seconds)."""
    ProviderEvent.delete().where(ProviderEvent.seen_at < keep_since).execute()
    ProviderEvent.create(id=id, type=type, account=account, created_at=created_at, seen_at=now)
