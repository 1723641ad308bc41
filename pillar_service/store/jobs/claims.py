"""Which jobs may be claimed now. Waiting jobs are looked up node by node, so jobs that wait for a full node cost nothing.

SQLite does not know how many rows are in a state. `state || ''` keeps it from using an index of all states, with which it
read each of 20,000 waiting jobs for each claim.
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
"""How many jobs of each node are read first, and the factor by which that grows for nodes that have more."""


@dataclass(frozen=True)
class Busy:
    """What can take no more jobs now.

    On ``converging`` nodes, no job of the commands ``converges`` and no job whose plan converges may start. ``commands`` are
    at their limit.
    """

    converging: list[str]
    converges: list[str]
    commands: list[str]


class Place(NamedTuple):
    """A job's position in the queue, and its id."""

    priority: int
    created_at: float
    id: str


QUEUED = "state || '' = 'queued' AND parts = 0"
FREE = """
(command IN ({})) IS NOT TRUE
AND ((node IN ({})) IS NOT TRUE OR ((command IN ({})) IS NOT TRUE AND NOT converges))
AND (bot IS NULL OR bot NOT IN (SELECT bot FROM job WHERE state || '' IN ('claimed', 'running') AND bot IS NOT NULL))
"""
"""IN is NULL for a column that is NULL and for an empty list (`places` gives NULL), hence IS NOT TRUE."""

NODES = f"""WITH RECURSIVE one(node) AS (
    SELECT MIN(node) FROM job WHERE {QUEUED}
    UNION ALL SELECT (SELECT MIN(node) FROM job WHERE {QUEUED} AND node > one.node) FROM one WHERE one.node IS NOT NULL)
SELECT node FROM one WHERE node IS NOT NULL"""  # noqa: S608
"""Steps through the index from node to node, however many jobs wait for each."""

LIMITED = """SELECT command, COUNT(*), MIN(at_most) FROM job
WHERE state || '' IN ('claimed', 'running') AND parts = 0 AND at_most IS NOT NULL GROUP BY command"""
"""A job on several nodes runs nothing itself: its parts are counted."""

WAITS = f"""SELECT 1 FROM (SELECT state, parts FROM job WHERE command = ? ORDER BY created_at DESC LIMIT 20) AS newest
WHERE {QUEUED} LIMIT 1"""  # noqa: S608
"""Whether any of the newest jobs of a command waits, which those do that came right before: cheap, however many wait."""

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
    """Whether any waiting job is due. Cheap, as long polls ask it all the time."""
    return bool(read(f"SELECT 1 FROM job WHERE {QUEUED} AND {DUE} LIMIT 1", *bounds(now)))  # noqa: S608


def nodes() -> list[str]:
    """The nodes that any job waits for."""
    return [node for (node,) in read(NODES)]


def limited() -> dict[str, tuple[int, int]]:
    """For each command with a limit: how many of its jobs are carried out now, and the limit."""
    return {command: (count, most) for command, count, most in read(LIMITED)}


def is_full(command: str, most: int) -> bool:
    """Whether a new job of a command, of which ``most`` may be carried out at a time, would wait for its turn."""
    return limited().get(command, (0, 0))[0] >= most or bool(read(WAITS, command))


def waiting(now: float, rooms: Mapping[str, int], busy: Busy, limit: int) -> list[Job]:
    """The first jobs that may be claimed now, by priority, then in the order they came.

    ``rooms`` is how many more runs each node can take, of those that any job waits for; urgent jobs ignore it. A bot's jobs
    wait while another of its jobs is carried out.
    """
    ids = [place.id for place in front(now, rooms, busy, limit)]
    found = {job.id: job for job in plain.found(Job, f"WHERE id IN ({places(len(ids))})", *ids)} if ids else {}
    return [found[id] for id in ids]


def front(now: float, rooms: Mapping[str, int], busy: Busy, limit: int) -> list[Place]:
    """The first places in the queue. Of each node only as many jobs are read as can be among them, mostly a few."""
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
    """The first jobs of each node, up to the priority given for it."""
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
    """The open jobs of each of these bots, in the order they came."""
    found: dict[str, list[Job]] = {}
    these = list(bots)
    told = f"WHERE bot IN ({places(len(these))}) AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id"
    for job in plain.found(Job, told, *these) if these else ():
        found.setdefault(str(job.bot), []).append(job)
    return found


def claim(taken: Iterable[tuple[str, str, int, float | None]]) -> int:
    """Claim queued jobs (id, run, attempts, deadline) for runs, in one statement; return how many were still queued."""
    told = [(*one, "claimed") for one in taken]
    columns = {"run": str, "attempts": int, "deadline_at": float, "state": str}
    return rows.update("job", "id", columns, told, "job.state || '' = 'queued'")
