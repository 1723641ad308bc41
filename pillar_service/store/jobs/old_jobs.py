"""Retention of old jobs, with all that refers to them, of conversations that show no job, and of runs without jobs."""

from collections.abc import Sequence

from pillar_service.core.jobs.jobs import OVER
from pillar_service.store.sql import places, read, write

STATES = ", ".join(f"'{state}'" for state in sorted(OVER))

OLD = f"""SELECT id FROM job WHERE ended_at < ? AND state IN ({STATES}) AND parent IS NULL
AND NOT EXISTS (SELECT 1 FROM transfer WHERE transfer.job = job.id)
AND NOT EXISTS (SELECT 1 FROM job AS part LEFT JOIN transfer ON transfer.job = part.id
                WHERE part.parent = job.id AND (transfer.id IS NOT NULL OR part.state NOT IN ({STATES})))
ORDER BY ended_at LIMIT ?"""  # noqa: S608
LINES = """DELETE FROM job_line WHERE (job, n) IN (SELECT job, n FROM job_line WHERE job IN ({}) LIMIT {})"""
CONVERSATIONS = "SELECT id FROM conversation WHERE job IS NULL AND COALESCE(ended_at, created_at) < ? LIMIT ?"
RUNS = """DELETE FROM run WHERE id IN (SELECT id FROM run WHERE created_at < {0} AND state = 'over'
AND NOT EXISTS (SELECT 1 FROM job WHERE job.run = run.id) ORDER BY created_at LIMIT {0})"""
HANGING = (
    "DELETE FROM outgoing WHERE conversation IN (SELECT id FROM conversation WHERE job IN ({}))",
    "DELETE FROM conversation WHERE job IN ({})",
    "UPDATE conversation SET preview = NULL WHERE preview IN ({})",
    "DELETE FROM vote WHERE challenge IN (SELECT id FROM challenge WHERE job IN ({}))",
    "DELETE FROM challenge WHERE job IN ({})",
    "DELETE FROM job_output WHERE job IN ({})",
    "DELETE FROM job WHERE id IN ({}) AND parent IS NOT NULL",
)
"""What is deleted or cleared before the jobs themselves, in every table that refers to jobs."""


def ended_before(then: float, limit: int) -> list[str]:
    """The ids of at most ``limit`` jobs that ended before ``then``, followed by those of all their parts."""
    whole = [id for (id,) in read(OLD, then, limit)]
    parts = [id for (id,) in read(f"SELECT id FROM job WHERE parent IN ({places(len(whole))})", *whole)]  # noqa: S608
    return whole + parts


def forget_lines(jobs: Sequence[str], limit: int) -> int:
    """Delete at most ``limit`` lines of these jobs; return how many were deleted."""
    return write(LINES.format(places(len(jobs)), "?"), *jobs, limit)


def forget(jobs: Sequence[str]) -> int:
    """Delete these jobs, whose lines must be deleted already; return how many jobs were deleted."""
    there = places(len(jobs))
    gone = [write(told.format(there), *jobs) for told in HANGING]
    return gone[-1] + write(f"DELETE FROM job WHERE id IN ({there})", *jobs)  # noqa: S608


def forget_conversations(then: float, limit: int) -> int:
    """Delete at most ``limit`` conversations from before ``then`` that show no job; return how many were deleted."""
    these = [id for (id,) in read(CONVERSATIONS, then, limit)]
    write(f"DELETE FROM outgoing WHERE conversation IN ({places(len(these))})", *these)  # noqa: S608
    return write(f"DELETE FROM conversation WHERE id IN ({places(len(these))})", *these)  # noqa: S608


def forget_runs(then: float, limit: int) -> int:
    """Delete at most ``limit`` runs from before ``then`` whose jobs are all deleted; return how many were deleted."""
    return write(RUNS.format("?"), then, limit)
