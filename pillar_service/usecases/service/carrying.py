"""Moving to another database of either kind: from SQLite to PostgreSQL as a place grows, and back."""

import time

from pillar_service.backups import postgres
from pillar_service.core.errors import Invalid
from pillar_service.settings import settings
from pillar_service.store.service import carrying
from pillar_service.usecases.service import auditing, doors


def move(actor: str, url: str) -> dict[str, int]:
    """Copy everything into the empty database at ``url`` and compare the counts; returns the number of rows by table.

    Raises Conflict (the service runs, or the new database is not empty), Invalid (an address with a password), Failed,
    Unavailable.
    """
    if postgres.without_password(url) != url:
        raise Invalid(
            "Every process on this machine can read the arguments: leave the password out, and name a file in "
            "PGPASSFILE."
        )
    doors.refuse_where_one_answers(doors.ours())
    old = postgres.without_password(settings().database)
    counts = carrying.carry(url)
    auditing.record(actor, "database.moved", f"database:{old}", time.time(), f"{sum(counts.values())} rows to {url}")
    return counts
