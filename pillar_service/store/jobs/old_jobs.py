"""Old jobs: found by when they ended, and removed with all that hangs on them; and conversations that show no job."""

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
"""What goes before the jobs themselves: each table that refers to jobs, and cannot stay."""


def ended_before(then: float, limit: int) -> list[str]:
    """The ids of jobs that were over before then, at most so many, with those of all their parts."""
    whole = [id for (id,) in read(OLD, then, limit)]
    parts = [id for (id,) in read(f"SELECT id FROM job WHERE parent IN ({places(len(whole))})", *whole)]  # noqa: S608
    return whole + parts


def forget_lines(jobs: Sequence[str], limit: int) -> int:
    """Forget lines of these jobs, at most so many; how many went."""
    return write(LINES.format(places(len(jobs)), "?"), *jobs, limit)


def forget(jobs: Sequence[str]) -> int:
    """Forget these jobs, whose lines are gone; how many went."""
    there = places(len(jobs))
    gone = [write(told.format(there), *jobs) for told in HANGING]
    return gone[-1] + write(f"DELETE FROM job WHERE id IN ({there})", *jobs)  # noqa: S608


def forget_conversations(then: float, limit: int) -> int:
    """Forget conversations from before then that show no job, at most so many; how many went."""
    these = [id for (id,) in read(CONVERSATIONS, then, limit)]
    write(f"DELETE FROM outgoing WHERE conversation IN ({places(len(these))})", *these)  # noqa: S608
    return write(f"DELETE FROM conversation WHERE id IN ({places(len(these))})", *these)  # noqa: S608


def forget_runs(then: float, limit: int) -> int:
    """Forget runs from before then that carried no job that is still there, at most so many; how many went."""
    return write(RUNS.format("?"), then, limit)
