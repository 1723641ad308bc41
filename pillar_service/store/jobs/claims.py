"""What may be claimed now: the waiting jobs, looked for node by node, so that what waits for a full node costs nothing.

`state || ''` keeps SQLite, which does not know how many rows are in a state, from an index of all states: with 20,000 jobs
that wait it read each of them for each that it claimed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pillar_service.core.jobs.jobs import LOW, URGENT
from pillar_service.store import plain, rows
from pillar_service.store.database import on_sqlite
from pillar_service.store.due import DUE, bounds
from pillar_service.store.jobs.jobs import OPEN_IN_SQL, Job
from pillar_service.store.sql import places, read

FIRST, MORE = 4, 8
"""How many jobs of each node are looked at first, and how many times more of those nodes that have more."""


@dataclass(frozen=True)
class Busy:
    """What can take no more now: nodes that already converge (by which commands, beside plans), and commands at their limit."""

    converging: list[str]
    converges: list[str]
    commands: list[str]


class Place(NamedTuple):
    """Where a job stands in the queue, and which one it is."""

    priority: int
    created_at: float
    id: str


QUEUED = "state || '' = 'queued' AND parts = 0"
FREE = """
(command IN ({})) IS NOT TRUE
AND ((node IN ({})) IS NOT TRUE OR ((command IN ({})) IS NOT TRUE AND NOT converges))
AND (bot IS NULL OR bot NOT IN (SELECT bot FROM job WHERE state || '' IN ('claimed', 'running') AND bot IS NOT NULL))
"""
"""An IN of nothing is unknown, hence IS NOT TRUE."""

NODES = f"""WITH RECURSIVE one(node) AS (
    SELECT MIN(node) FROM job WHERE {QUEUED}
    UNION ALL SELECT (SELECT MIN(node) FROM job WHERE {QUEUED} AND node > one.node) FROM one WHERE one.node IS NOT NULL)
SELECT node FROM one WHERE node IS NOT NULL"""  # noqa: S608
"""From one node to the next by the index, however much waits for each."""

LIMITED = """SELECT command, COUNT(*), MIN(at_most) FROM job
WHERE state || '' IN ('claimed', 'running') AND parts = 0 AND at_most IS NOT NULL GROUP BY command"""
"""What is on several nodes runs nothing itself: its parts are counted."""

ON_MASTER = (
    "SELECT priority, created_at, id FROM job WHERE node IS NULL AND {} ORDER BY priority, created_at, id LIMIT ?"
)

ON_SQLITE = """SELECT job.node, job.priority, job.created_at, job.id FROM json_each(?) AS place CROSS JOIN job ON job.id IN (
    SELECT id FROM job WHERE node = place.value ->> 0 AND priority <= place.value ->> 1 AND {}
    ORDER BY priority, created_at, id LIMIT ?)"""
ON_POSTGRES = """SELECT job.* FROM json_array_elements(?::json) AS place(value) CROSS JOIN LATERAL (
    SELECT node, priority, created_at, id FROM job
    WHERE node = place.value ->> 0 AND priority <= (place.value ->> 1)::BIGINT AND {}
    ORDER BY priority, created_at, id LIMIT ?) AS job"""


def is_waiting(now: float) -> bool:
    """Whether any job waits that is due. Cheap: long polls ask it all the time."""
    return bool(read(f"SELECT 1 FROM job WHERE {QUEUED} AND {DUE} LIMIT 1", *bounds(now)))  # noqa: S608


def nodes() -> list[str]:
    """The nodes that anything waits for."""
    return [node for (node,) in read(NODES)]


def limited() -> dict[str, tuple[int, int]]:
    """How many jobs of each command with a limit are carried out now, and the limit."""
    return {command: (count, most) for command, count, most in read(LIMITED)}


def waiting(now: float, rooms: Mapping[str, int], busy: Busy, limit: int) -> list[Job]:
    """The first jobs that may be claimed now: by priority, then in the order they came.

    ``rooms`` is how many more runs each node that anything waits for can take; what is urgent does not wait for that. A
    bot's jobs wait for one that is carried out already.
    """
    ids = [place.id for place in front(now, rooms, busy, limit)]
    found = {job.id: job for job in plain.found(Job, f"WHERE id IN ({places(len(ids))})", *ids)} if ids else {}
    return [found[id] for id in ids]


def front(now: float, rooms: Mapping[str, int], busy: Busy, limit: int) -> list[Place]:
    """The first places in the queue. Of each node as many are read as may be among them: mostly a few."""
    mine = {"": _on_master(now, busy, limit)}
    more = {node: URGENT if rooms[node] < 1 else LOW for node in rooms}
    most = min(FIRST, limit)
    while more:
        mine |= _of_nodes(now, more, busy, most)
        chosen = sorted(place for its in mine.values() for place in its)[:limit]
        last = chosen[-1] if len(chosen) == limit else None
        full = [node for node in more if len(mine.get(node, ())) == most and (last is None or mine[node][-1] < last)]
        more, most = {node: more[node] for node in full if most < limit}, min(most * MORE, limit)
    return sorted(place for its in mine.values() for place in its)[:limit]


def _on_master(now: float, busy: Busy, limit: int) -> list[Place]:
    told, values = _free(now, busy)
    return [Place(*row) for row in read(ON_MASTER.format(told), *values, limit)]


def _of_nodes(now: float, priorities: Mapping[str, int], busy: Busy, most: int) -> dict[str, list[Place]]:
    """The first jobs of each of these nodes whose priority is not beyond the one named."""
    told, values = _free(now, busy)
    found: dict[str, list[Place]] = {}
    asked = (ON_SQLITE if on_sqlite() else ON_POSTGRES).format(told)
    for node, *place in read(asked, json.dumps(list(priorities.items())), *values, most):
        found.setdefault(node, []).append(Place(*place))
    return {node: sorted(its) for node, its in found.items()}


def _free(now: float, busy: Busy) -> tuple[str, Sequence[str | float]]:
    lists = (busy.commands, busy.converging, busy.converges)
    told = FREE.format(*(places(len(some)) for some in lists))
    return f"{QUEUED} AND {DUE} AND {told}", [*bounds(now), *(one for some in lists for one in some)]


def open_of_bots(bots: Iterable[str]) -> dict[str, list[Job]]:
    """The jobs of these bots that are not over, in the order they came, by bot."""
    found: dict[str, list[Job]] = {}
    these = list(bots)
    told = f"WHERE bot IN ({places(len(these))}) AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id"
    for job in plain.found(Job, told, *these) if these else ():
        found.setdefault(str(job.bot), []).append(job)
    return found


def claim(taken: Iterable[tuple[str, str, int, float | None]]) -> int:
    """Queued jobs (id, run, attempts, deadline) go into runs, in one statement; how many were still queued."""
    told = [(*one, "claimed") for one in taken]
    columns = {"run": str, "attempts": int, "deadline_at": float, "state": str}
    return rows.update("job", "id", columns, told, "job.state || '' = 'queued'")
