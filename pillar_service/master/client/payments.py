"""Payments of accounts."""

from typing import Any

from pillar_service.master.client.asking import PROVIDER_S, RUN_S, Asking, segment


class Payments(Asking):
    """The client's part for payments."""

    def payments(self) -> list[dict[str, Any]]:
        """The payment state of every account."""
        return self._json("GET", "/payments")["payments"]

    def payment(self, which: str) -> dict[str, Any]:
        """The payment state of one account (id or e-mail address), and what it paid."""
        return self._json("GET", f"/payments/{segment(which)}")["payment"]

    def mark_paid(self, which: str, months: object) -> dict[str, Any]:
        """Marks so many months as paid; returns the account's payment state then."""
        return self._json("POST", f"/payments/{segment(which)}", {"months": months}, wait=PROVIDER_S)["payment"]

    def take_back(self, which: str, payment: str) -> dict[str, Any]:
        """Takes back a payment (its id) that was marked by mistake; returns the account's payment state then."""
        told = self._json("DELETE", f"/payments/{segment(which)}/{segment(payment)}", wait=PROVIDER_S)
        return told["payment"]

    def run_payments(self) -> dict[str, Any]:
        """Takes all steps that are due for payments; returns them, and what failed."""
        return self._json("POST", "/payments/run", {}, wait=RUN_S)
