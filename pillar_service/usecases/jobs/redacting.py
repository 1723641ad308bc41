"""Redacting: what nobody may see is taken out of what came of a command of the catalogue before it is kept, whoever brings it.

A node has done so, too, and by the secrets' values; but it is the node's own word that it has, and a bot's action or a runner
has no executor that would.
"""

import re
from collections.abc import Mapping
from typing import Any

from pillar_service.core.jobs import redaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job

SPOKEN = ("head", "tail", "error")
"""What of an executor's outcome was written by what it ran; the rest is its own account."""


def patterns(job: Job) -> list[re.Pattern[str]]:
    """The patterns of what is taken out of what came of a job.

    None where no command of the catalogue asked for it; the usual ones not where it was asked for codes.
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
    """A text that came of a job, as it may be kept."""
    return redaction.without(written, patterns(job))


def value(job: Job, came_back: Any) -> Any:
    """A job's result as it may be kept."""
    these = patterns(job)
    if job.plan is None or not job.plan["is_guarded"] or not isinstance(came_back, Mapping):
        return redaction.throughout(came_back, these)
    return {key: redaction.throughout(one, these) if key in SPOKEN else one for key, one in came_back.items()}
