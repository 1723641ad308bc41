"""No provider: people pay the operators in their own way, and the operators mark the months."""

from typing import NoReturn

from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.payments.payments import ProviderName
from pillar_service.payments.provider import Event, Order, Told


class Manual:
    """Takes no payment itself, and says so."""

    name = ProviderName.MANUAL

    def customer(self, account: str, email: str, known: str | None) -> str:
        self._refuse()

    def checkout(self, order: Order, now: float) -> str:
        self._refuse()

    def portal(self, customer: str, return_url: str) -> str:
        self._refuse()

    def told(self, customer: str) -> Told:
        return Told()

    def cancel(self, reference: str) -> None:
        """Does nothing: there is no subscription to end."""

    def close(self, customer: str) -> None:
        """Does nothing: there is no page to close."""

    def refund(self, charge: str) -> None:
        """Does nothing: whoever took the money gives it back."""

    def event(self, payload: bytes, signature: str) -> Event:
        raise Invalid("No payment events are expected here: this place takes payments by hand (CELLAR_PAYMENTS).")

    def _refuse(self) -> NoReturn:
        raise Conflict("Payments are taken by hand here: ask the operators how to pay; they mark the months as paid.")
