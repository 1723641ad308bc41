"""One audit row for each thing done."""

from pillar_service.core import names
from pillar_service.store import audit


def record(actor: str, action: str, subject: str, now: float, detail: str = "") -> None:
    """Write who did what to what, in the transaction that does it; ``detail`` never holds a secret."""
    audit.add(names.new_id(), now, actor, action, subject, detail[:500])


def trail(subject: str) -> list[dict[str, object]]:
    """What was done to a subject, oldest first."""
    return [
        {"at": row.at, "actor": row.actor, "action": row.action, "detail": row.detail} for row in audit.about(subject)
    ]
