"""Closing: what must be done whenever a job ends, however it ends."""

import logging
from collections.abc import Sequence
from typing import Any

from pillar_service.core.jobs.jobs import JobState, step
from pillar_service.store.database import after_commit
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.jobs import executing, parts
from pillar_service.usecases.meeseeks import previews
from pillar_service.usecases.nodes import governors
from pillar_service.usecases.service import auditing, measuring
from pillar_service.usecases.service.auditing import Deed

log = logging.getLogger(__name__)


def close(job: Job, state: JobState, now: float, **columns: Any) -> None:
    """End a job, in the caller's transaction; ``columns`` say how. Raises Conflict if it can't go to that state."""
    step(JobState(job.state), state)
    jobs.move(job.id, job.state, str(state), ended_at=now, **columns, **executing.without_secrets(job))
    closed([(job, state)], now)


def closed(over: Sequence[tuple[Job, JobState]], now: float) -> None:
    """Follow up on jobs that ended in these states: leases, metrics, the audit, the jobs they are parts of."""
    for job, state in over:
        governors.end_job(job)
        measuring.ended(job, state, now)
        _log(job, state)
    auditing.record_all([_deed(job, state) for job, state in over], now)
    for job, _ in over:
        previews.ended(job, now)
        if job.parent is not None:
            parts.part_moved(job.parent, now)


def _log(job: Job, state: JobState) -> None:
    about = {"request": job.request, "job": job.id, "node": job.node, "run": job.run}
    after_commit(lambda: log.info("%s %s.", job.command, state, extra=about))


def _deed(job: Job, state: JobState) -> Deed:
    by = f"node:{job.node}" if job.node else "master"
    subject = f"agent:{job.bot}" if job.bot else f"job:{job.id}"
    return Deed(by, f"jobs.{state}", subject, f"{job.command}, job {job.id}")
