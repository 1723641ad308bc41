"""The audit of a subject."""

from typing import Any

from pillar_service.store.service import audit


def trail(subject: str) -> list[dict[str, Any]]:
    """What was done to it, oldest first."""
    return [
        {"at": row.at, "actor": row.actor, "action": row.action, "detail": row.detail} for row in audit.about(subject)
    ]
