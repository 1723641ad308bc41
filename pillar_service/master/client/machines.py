"""Machines ordered from a provider."""

from collections.abc import Mapping
from typing import Any

from pillar_service.master.client.asking import Asking, segment


class Machines(Asking):
    """The client's part for machines."""

    def order_machine(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Orders a machine from the provider (name, account, labels, size, volume_gb); returns the order."""
        return dict(self._json("POST", "/machine-orders", told)["order"])

    def machine_orders(self) -> list[dict[str, Any]]:
        """The orders that are not retired, then the newest that are."""
        return list(self._json("GET", "/machine-orders")["orders"])

    def machine_order(self, which: str) -> dict[str, Any]:
        """One order, by its own id or its node's."""
        return dict(self._json("GET", f"/machine-orders/{segment(which)}")["order"])

    def retire_machine(self, which: str, with_bots: object) -> dict[str, Any]:
        """Retires a machine; returns its order."""
        return dict(self._json("POST", f"/machine-orders/{segment(which)}/retire", {"with_bots": with_bots})["order"])

    def finish_machine(self, which: str) -> dict[str, Any]:
        """Goes on with an order that failed; returns it."""
        return dict(self._json("POST", f"/machine-orders/{segment(which)}/finish", {})["order"])
