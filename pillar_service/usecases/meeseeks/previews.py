"""Previews: what is shown before somebody confirms a job. The time to answer begins once the preview is there.

A job and its preview find each other by their idempotency keys.
"""

from pillar_service.core.jobs.jobs import OVER
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.meeseeks import challenges

END = ".preview"


def key(of: str) -> str:
    """The idempotency key of the preview of the job with key ``of``."""
    return f"{of}{END}"


def begun(job: str, preview: str) -> None:
    """Note that a job (its id) has a preview, in the caller's transaction.

    The time to answer begins when the preview ends, at the latest at the preview's time limit.
    """
    shown = jobs.find(preview)
    if shown is not None and shown.state not in OVER:
        _count_from(job, (shown.deadline_at or shown.created_at) + (shown.plan or {})["timeout_s"])


def ended(shown: Job, now: float) -> None:
    """If the job that ended is a preview, let the time to answer begin now, in the caller's transaction."""
    its = shown.idempotency_key or ""
    if not shown.is_preview or not its.endswith(END):
        return
    job = jobs.with_key(shown.actor, its.removesuffix(END))
    if job is not None:
        _count_from(job.id, now)


def _count_from(job: str, then: float) -> None:
    first, waits = challenges.open_of(job), jobs.find(job)
    if first is not None and waits is not None and first.position == 0:
        challenges.wait_until(first.id, then + (waits.plan or {})["steps"][0]["seconds"])
