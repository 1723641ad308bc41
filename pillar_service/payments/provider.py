"""What a provider of payments can be asked."""

from dataclasses import dataclass
from typing import Protocol

from pillar_service.core.errors import Conflict
from pillar_service.core.payments.payments import PaymentKind, ProviderName


class NoSuchCustomer(Conflict):
    """The provider does not know that customer: deleted there, or the key is another mode's or another account's."""


@dataclass(frozen=True)
class Charge:
    """An amount that moved, or failed to, with the provider's id for it and its time.

    ``returnable_cents`` is how much of it can still be refunded.
    """

    id: str
    kind: PaymentKind
    amount_cents: int
    currency: str
    at: float
    detail: str = ""
    returnable_cents: int = 0


@dataclass(frozen=True)
class Told:
    """All that a provider knows of a customer now.

    ``reference`` is the subscription that counts, ``live`` says whether it goes on charging, ``cancelled_at`` when the
    person ended it; ``surplus`` are others that go on charging beside it.
    """

    reference: str | None = None
    live: bool = False
    surplus: tuple[str, ...] = ()
    cancelled_at: float | None = None
    paid_until: float | None = None
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True)
class Event:
    """What a provider sent on its own, found to be genuine. It is only a reason to ask: it decides nothing."""

    id: str
    type: str
    created_at: float
    customer: str | None


@dataclass(frozen=True)
class Order:
    """What somebody is about to pay for: which account, until when it is covered, where they come back to.

    ``number`` differs for each subscription that the account has had, so that one order is one checkout.
    """

    customer: str
    account: str
    covered_until: float
    done_url: str
    cancelled_url: str
    number: str


class Provider(Protocol):
    """Someone who takes payments.

    Every method but ``event`` may raise Unavailable or Failed. Those about a customer, except ``customer``, may raise
    NoSuchCustomer.
    """

    name: ProviderName

    def customer(self, account: str, email: str, known: str | None) -> str:
        """The provider's id for an account's person: ``known`` if it still exists; the same account gets the same id."""

    def checkout(self, order: Order, now: float) -> str:
        """The address of the page where the person pays: the same for the same order, and the only one that is open."""

    def portal(self, customer: str, return_url: str) -> str:
        """The address of the page where the person changes the card, or cancels."""

    def told(self, customer: str) -> Told:
        """All that is known of a customer now."""

    def cancel(self, reference: str) -> None:
        """End a subscription at once, so that nothing more is charged; doing it twice is harmless."""

    def close(self, customer: str) -> None:
        """Close the customer's open pages, so that nobody can pay on them."""

    def refund(self, charge: str) -> None:
        """Refund what is left of an amount that was paid; doing it twice refunds it once."""

    def event(self, payload: bytes, signature: str) -> Event:
        """What was sent, if it is genuine and fresh; raises Invalid if not."""
