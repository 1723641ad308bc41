"""Redacting: remove what nobody may see from the results of the catalogue's commands before they are stored.

A node redacts them too, and also by the secrets' values; but we have only its word for that, and bots' actions and
runners have no executor to do so.
"""

import re
from collections.abc import Mapping
from typing import Any

from pillar_service.core.jobs import redaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job

SPOKEN = ("head", "tail", "error")
"""The fields of an executor's outcome that hold output of what it ran; it made the other fields itself."""


def patterns(job: Job) -> list[re.Pattern[str]]:
    """The patterns of what to remove from a job's results.

    Empty for a job that no command of the catalogue asked for; without the usual ones if the job was asked for codes.
    """
    plan = job.plan or _of_parent(job)
    if plan is None:
        return []
    usual = () if job.command in redaction.CODES else redaction.USUAL
    return [*usual, *(re.compile(one) for one in plan.get("redact") or ())]


def _of_parent(job: Job) -> dict[str, Any] | None:
    parent = jobs.find(job.parent) if job.parent else None
    return None if parent is None else parent.plan


def text(job: Job, written: str) -> str:
    """A text from a job, as it may be stored."""
    return redaction.without(written, patterns(job))


def value(job: Job, came_back: Any) -> Any:
    """A job's result, as it may be stored."""
    these = patterns(job)
    if job.plan is None or not job.plan["is_guarded"] or not isinstance(came_back, Mapping):
        return redaction.throughout(came_back, these)
    return {key: redaction.throughout(one, these) if key in SPOKEN else one for key, one in came_back.items()}
