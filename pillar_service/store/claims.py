"""What may be claimed now: the waiting jobs, as one master that claims sees them."""

from collections.abc import Iterable
from dataclasses import dataclass

from pillar_service.core.jobs import URGENT
from pillar_service.store import plain, rows
from pillar_service.store.jobs import OPEN_IN_SQL, Job
from pillar_service.store.reading import places, read


def is_waiting(now: float) -> bool:
    """Whether any job may be claimed now. Cheap: long polls ask it all the time."""
    return bool(read("SELECT 1 FROM job WHERE state || '' = 'queued' AND parts = 0 AND not_before <= ? LIMIT 1", now))


@dataclass(frozen=True)
class Busy:
    """What can take no more now: nodes, nodes that already converge (by which commands), and commands at their limit."""

    nodes: list[str]
    converging: list[str]
    converges: list[str]


WAITING = """
WHERE state || '' = 'queued' AND parts = 0 AND not_before <= ?
AND (node IS NULL OR priority = {urgent} OR (node IN ({})) IS NOT TRUE)
AND (node IS NULL OR (node IN ({})) IS NOT TRUE OR (command IN ({})) IS NOT TRUE)
AND (bot IS NULL OR bot NOT IN (SELECT bot FROM job WHERE state IN ('claimed', 'running') AND bot IS NOT NULL))
AND (at_most IS NULL OR command NOT IN (
    SELECT command FROM job WHERE state IN ('claimed', 'running') AND at_most IS NOT NULL
    GROUP BY command HAVING COUNT(*) >= MIN(at_most)))
ORDER BY priority, created_at, id LIMIT ?
"""
"""What goes on after the SELECT for `waiting`; an IN of nothing is unknown, hence IS NOT TRUE."""


def waiting(now: float, busy: Busy, limit: int) -> list[Job]:
    """The first jobs that may be claimed now: by priority, then in the order they came.

    What is urgent does not wait for room on its node. A bot's jobs wait for one that is carried out already.
    """
    told = WAITING.format(*(places(len(some)) for some in (busy.nodes, busy.converging, busy.converges)), urgent=URGENT)
    return plain.found(Job, told, now, *busy.nodes, *busy.converging, *busy.converges, limit)


def open_of_bots(bots: Iterable[str]) -> dict[str, list[Job]]:
    """The jobs of these bots that are not over, in the order they came, by bot."""
    found: dict[str, list[Job]] = {}
    these = list(bots)
    told = f"WHERE bot IN ({places(len(these))}) AND state IN ({OPEN_IN_SQL}) ORDER BY created_at, id"
    for job in plain.found(Job, told, *these) if these else ():
        found.setdefault(str(job.bot), []).append(job)
    return found


def running_of(commands: Iterable[str]) -> dict[str, int]:
    """How many jobs of each of these commands are carried out now."""
    these = list(commands)
    told = f"WHERE state IN ('claimed', 'running') AND command || '' IN ({places(len(these))}) GROUP BY command"
    return dict(read(f"SELECT command, COUNT(*) FROM job {told}", *these))  # noqa: S608


def claim(taken: Iterable[tuple[str, str, int]]) -> int:
    """Queued jobs (id, run, attempts) go into runs, in one statement; how many were still queued."""
    told = [(id, run, attempts, "claimed") for id, run, attempts in taken]
    columns = {"run": str, "attempts": int, "state": str}
    return rows.update("job", "id", columns, told, "job.state || '' = 'queued'")
