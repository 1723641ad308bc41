"""Backups of the control plane."""

from typing import Any

from pillar_service.master.client.asking import Asking, segment

KEPT_S = 60.0
"""How many seconds the repository may take to list what it holds."""


class Backups(Asking):
    """The client's part for backups."""

    def back_up(self) -> dict[str, Any]:
        """Asks for a snapshot; returns its round, which the service carries out on its own."""
        return self._json("POST", "/backups", {})["round"]

    def verify_backup(self) -> dict[str, Any]:
        """Asks for a verification of the newest snapshot; returns its round, which the service carries out on its own."""
        return self._json("POST", "/backups/verifications", {})["round"]

    def backups(self) -> list[dict[str, Any]]:
        """The newest rounds, newest first."""
        return self._json("GET", "/backups")["rounds"]

    def kept_backups(self) -> dict[str, Any]:
        """What the repository holds now."""
        return self._json("GET", "/backups/kept", wait=KEPT_S)

    def backup(self, id: str) -> dict[str, Any]:
        """One round."""
        return self._json("GET", f"/backups/{segment(id)}")["round"]
