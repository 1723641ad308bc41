"""What accounts pay."""

from typing import Any

from pillar_service.master.client.asking import PROVIDER_S, RUN_S, Asking, segment


class Payments(Asking):
    """The client's part for payments."""

    def payments(self) -> list[dict[str, Any]]:
        """How every account stands with its payments."""
        return self._json("GET", "/payments")["payments"]

    def payment(self, which: str) -> dict[str, Any]:
        """How one account (id or e-mail address) stands, and what it paid."""
        return self._json("GET", f"/payments/{segment(which)}")["payment"]

    def mark_paid(self, which: str, months: object) -> dict[str, Any]:
        """Says that an account has paid so many months; returns how it stands then."""
        return self._json("POST", f"/payments/{segment(which)}", {"months": months}, wait=PROVIDER_S)["payment"]

    def take_back(self, which: str, payment: str) -> dict[str, Any]:
        """Says that what was marked as paid (a payment's id) was not; returns how the account stands then."""
        told = self._json("DELETE", f"/payments/{segment(which)}/{segment(payment)}", wait=PROVIDER_S)
        return told["payment"]

    def run_payments(self) -> dict[str, Any]:
        """Takes all steps that are due; returns them, and what failed."""
        return self._json("POST", "/payments/run", {}, wait=RUN_S)
