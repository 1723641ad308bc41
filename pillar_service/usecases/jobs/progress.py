"""How a job is going, as its page shows it: its last lines, and whether anything is new."""

import time
from typing import Any

from pillar_service.core import listing, names
from pillar_service.core.jobs import faults
from pillar_service.store import listings
from pillar_service.store.jobs import outputs
from pillar_service.usecases.jobs import jobs

LINES = 200
MOST = 10**18 - 1


def shown(person: str, id: object, before: object = None) -> dict[str, Any]:
    """A job as this person may see it, and its last lines, or those before the n-th.

    Returns {"job", "waits", "lines", "older", "seen"}: ``waits`` says why it waits, if no master is there; ``older`` is
    how many lines come before these; `has_news` takes ``seen``. Raises NotFound, Invalid.
    """
    job = jobs.told_to(person, id)
    waits = jobs.waits(job["state"])
    # Before the lines are read: a line that arrives in the meantime is news.
    seen, first = _seen(job, waits), names.whole_number(before, "number of a line", 1, MOST) if before else None
    newest = listings.lines_before(job["id"], first, LINES)
    lines = jobs.lines_of(newest[: listing.fitting(line.text for line in newest)][::-1])
    older = lines[0]["n"] - 1 if lines else 0
    told: dict[str, Any] = faults.answer_for_people({"job": job, "lines": lines})
    return told | {"waits": faults.for_people(waits), "older": older, "seen": seen}


def has_news(person: str, id: object, seen: object) -> bool:
    """Whether a job has changed since somebody saw it, even if only by the minutes of its age; raises NotFound."""
    job = jobs.told_to(person, id)
    return _seen(job, jobs.waits(job["state"])) != seen


def _seen(job: dict[str, Any], waits: str) -> str:
    minutes = int(time.time() - job["created_at"]) // 60
    return f"{job['state']}-{job['attempts']}-{outputs.line_count(job['id'])}-{minutes}{'-waits' if waits else ''}"
