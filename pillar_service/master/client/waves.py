"""Upgrades of nodes in waves."""

from collections.abc import Mapping
from typing import Any

from pillar_service.master.client.asking import Asking, segment


class Waves(Asking):
    """The client's part for upgrades of nodes."""

    def upgrade_nodes(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Upgrades nodes to the service's version (selector, waves, deadline, version); returns the upgrade."""
        return dict(self._json("POST", "/upgrades", told)["upgrade"])

    def upgrades(self) -> list[dict[str, Any]]:
        """The newest upgrades."""
        return list(self._json("GET", "/upgrades")["upgrades"])

    def upgrade_of_nodes(self, id: str) -> dict[str, Any]:
        """One upgrade, with its nodes."""
        return dict(self._json("GET", f"/upgrades/{segment(id)}")["upgrade"])

    def resume_upgrade(self, id: str) -> dict[str, Any]:
        """Goes on with an upgrade that stopped; returns it."""
        return dict(self._json("POST", f"/upgrades/{segment(id)}/resume", {})["upgrade"])

    def cancel_upgrade(self, id: str) -> dict[str, Any]:
        """Ends an upgrade; returns it."""
        return dict(self._json("POST", f"/upgrades/{segment(id)}/cancel", {})["upgrade"])
