"""Jobs. Their output is in outputs.py."""

import json
from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, NamedTuple

from peewee import BooleanField, DoubleField, IntegerField, TextField, fn

from pillar_service.core.jobs.jobs import NORMAL, OPEN, JobState
from pillar_service.store import plain, rows
from pillar_service.store.database import JsonField, Table
from pillar_service.store.paging import Page, page_of
from pillar_service.store.sql import places, read

STILL_OPEN = sorted(str(state) for state in OPEN)

OPEN_IN_SQL = ", ".join(f"'{state}'" for state in STILL_OPEN)
"""Written out, not bound: with bound values SQLite does not see that a partial index holds these rows.

SQLite does not know how many rows are in a state. `state || ''` below keeps it from using an index of all states, with
which it read each of 20,000 waiting jobs for each claim.
"""


class Job(Table):
    """One thing asked for: something to do to a bot, or a command of the catalogue to run on nodes.

    ``run`` is the publish that carries it out; ``not_before`` delays another try. ``plan`` is exactly what to run, where that
    does not follow from one of core's commands; the job ``converges`` if the plan applies states. A job on several nodes runs
    nothing itself: it has a number of ``parts``, jobs whose ``parent`` it is. ``begun`` is the last attempt that its node was
    allowed to begin; ``at_most`` is how many jobs of its command may run at a time. ``request`` is the request in which it
    was asked for. A job that ``is_preview`` only shows what another would do.
    """

    id = TextField(primary_key=True)
    command = TextField()
    bot = TextField(null=True)
    node = TextField(null=True)
    state = TextField(default=str(JobState.QUEUED))
    arguments = JsonField()
    result = JsonField(null=True)
    error = TextField(null=True)
    attempts = IntegerField(default=0)
    actor = TextField()
    idempotency_key = TextField(null=True)
    fingerprint = TextField()
    run = TextField(null=True)
    created_at = DoubleField()
    not_before = DoubleField()
    started_at = DoubleField(null=True)
    ended_at = DoubleField(null=True)
    parent = TextField(null=True)
    parts = IntegerField(default=0)
    plan = JsonField(null=True)
    priority = IntegerField(default=NORMAL)
    deadline_at = DoubleField(null=True)
    begun = IntegerField(null=True)
    at_most = IntegerField(null=True)
    request = TextField(null=True)
    is_preview = BooleanField(default=False)
    converges = BooleanField(default=False)


def add(**columns: object) -> Job:
    """Add a job."""
    return plain.add(Job, columns)


def new(**columns: object) -> Job:
    """Make a job without adding it."""
    return plain.new(Job, columns)


def add_new(these: Sequence[Job]) -> None:
    """Add new jobs in one statement."""
    plain.add_all(Job, these)


QUEUED_COLUMNS: dict[str, type] = {
    "id": str, "parent": str, "command": str, "node": str, "state": str, "arguments": str, "attempts": int,
    "plan": str, "priority": int, "parts": int, "at_most": int, "deadline_at": float, "actor": str,
    "fingerprint": str, "created_at": float, "not_before": float, "request": str, "converges": bool,
}  # fmt: skip
"""The columns of a queued part of a job, with their types."""


def add_queued(these: Iterable[Job]) -> None:
    """Add queued jobs that have no other columns, such as the parts of a job, many in one statement."""
    rows.insert_plain("job", QUEUED_COLUMNS, (_kept(job.__data__) for job in these), "")


def _kept(told: dict[str, Any]) -> list[Any]:
    kept = {**told, "arguments": json.dumps(told["arguments"]), "plan": json.dumps(told["plan"])}
    return [kept.get(name) for name in QUEUED_COLUMNS]


def find(id: str) -> Job | None:
    """The job with that id."""
    return plain.first(Job, "WHERE id = ?", id)


def with_key(actor: str, idempotency_key: str) -> Job | None:
    """The job that this actor asked for under this key."""
    return plain.first(Job, "WHERE actor = ? AND idempotency_key = ?", actor, idempotency_key)


def listed(
    limit: int,
    state: str | None = None,
    node: str | None = None,
    bot: str | None = None,
    actor: str | None = None,
    bots: Iterable[str] | None = None,
) -> list[Job]:
    """The newest jobs: in that state, on that node, of that bot, asked for by that actor, of any of these bots."""
    rows = Job.select().order_by(Job.created_at.desc()).limit(limit)
    rows = rows if bots is None else rows.where(Job.bot.in_(list(bots)))
    for column, value in ((Job.state, state), (Job.node, node), (Job.bot, bot), (Job.actor, actor)):
        rows = rows if value is None else rows.where(column == value)
    return list(rows)


def newest(bot: str, command: str, state: str, now: float = inf) -> Job | None:
    """A bot's newest job of that command in that state, without those from later than now, when the clock was ahead."""
    rows = Job.select().where((Job.bot == bot) & (Job.command == command) & (Job.state == state))
    rows = rows.where(Job.created_at <= now)
    found: Job | None = rows.order_by(Job.created_at.desc()).first()
    return found


def change(id: str, **columns: object) -> None:
    """Change a job's columns; `move` changes its state."""
    plain.change(Job, columns, "id = ?", id)


def adopt(id: str, parent: str) -> None:
    """Make a job that was asked for by itself a part of another."""
    change(id, parent=parent)


def move(id: str, now_in: str, to: str, **columns: object) -> bool:
    """Move a job from the state ``now_in`` to ``to``; False when it was in another state."""
    return plain.change(Job, {"state": str(to), **columns}, "id = ? AND state = ?", id, str(now_in)) == 1


class End(NamedTuple):
    """How a running job ends, by its id."""

    id: str
    state: str
    ended_at: float
    result: Any
    error: str | None


def end(ends: Sequence[End]) -> None:
    """End running jobs, in one statement."""
    if not ends:
        return
    told = [(*one[:3], None if one.result is None else json.dumps(one.result), one.error) for one in ends]
    "".join(one.error or "" for one in ends).encode()  # raises for a lone surrogate, which could never be read again
    columns = {"state": str, "ended_at": float, "result": str, "error": str}
    rows.update("job", "id", columns, told, "job.state || '' = 'running'")


def start(runs: Iterable[str], now: float) -> None:
    """Record that the claimed jobs of these runs are running."""
    these = list(runs)
    where = f"state || '' = 'claimed' AND run IN ({places(len(these))})"
    plain.change(Job, {"state": "running", "started_at": now}, where, *these)


def open_by_node() -> dict[str, int]:
    """How many open jobs each node has."""
    rows: Any = Job.select(Job.node, fn.COUNT(Job.id)).where(Job.state.in_(STILL_OPEN) & Job.node.is_null(False))
    return dict(rows.group_by(Job.node).tuples())


def newest_by_node(these: Sequence[str]) -> dict[str, float]:
    """When each of these nodes was last asked for something. Reads one entry of an index per node, however many jobs it had."""
    last = "SELECT MAX(created_at) FROM job WHERE job.node = node.id"
    told = read(f"SELECT id, ({last}) FROM node WHERE id IN ({places(len(these))})", *these)  # noqa: S608
    return {node: at for node, at in told if at is not None}


def open_of_actor(actor: str, most: int) -> int:
    """How many open jobs an actor has, without parts and the service's own calls; counts no further than ``most``."""
    told = f"actor = ? AND state IN ({OPEN_IN_SQL}) AND parent IS NULL AND fingerprint <> ''"
    return len(read(f"SELECT 1 FROM job WHERE {told} LIMIT ?", actor, most))  # noqa: S608


def open_of_bot(bot: str, most: int) -> int:
    """How many open jobs a bot has; counts no further than ``most``."""
    told = f"SELECT 1 FROM job WHERE bot = ? AND state || '' IN ({OPEN_IN_SQL}) LIMIT ?"  # noqa: S608
    return len(read(told, bot, most))


def states_of_parts(job: str) -> set[str]:
    """The states that a job's parts are in. Cheap, as each part that ends asks it."""
    return {state for (state,) in read("SELECT DISTINCT state FROM job WHERE parent = ?", job)}


class Part(NamedTuple):
    """How a part of a job stands: its node (None: the master), its state, and whether it has a result.

    ``refused`` is why it failed, if it failed before any master was given it.
    """

    node: str | None
    state: str
    has_result: bool
    refused: str | None


def standing_of_parts(job: str) -> list[Part]:
    """How the parts of a job stand, by node. Cheap, as it reads neither arguments nor results."""
    refused = "CASE WHEN state = 'failed' AND run IS NULL THEN error END"
    told = f"SELECT node, state, result IS NOT NULL, {refused} FROM job WHERE parent = ? ORDER BY node, id"  # noqa: S608
    return [Part(node, state, bool(has_result), why) for node, state, has_result, why in read(told, job)]


def parts_of(job: str) -> list[Job]:
    """The parts of a job, by node."""
    return list(Job.select().where(Job.parent == job).order_by(Job.node, Job.id))


def parts_or_itself(job: Job) -> list[Job]:
    """The jobs that run something for a job: its parts, by node, or the job itself if it has none."""
    return parts_of(job.id) if job.parts else [job]


def begin(id: str, node: str, attempt: int) -> bool:
    """Record that a job's node begins an attempt; False when the job is not running that attempt, or it was begun before."""
    fresh = Job.begun.is_null() | (Job.begun < attempt)
    mine = (Job.id == id) & (Job.node == node) & (Job.state == "running") & (Job.attempts == attempt)
    return bool(Job.update(begun=attempt).where(mine & fresh).execute() == 1)


def past_deadline(now: float) -> list[Job]:
    """The queued jobs whose deadline has passed, without jobs with parts, which end when their parts do."""
    late = "WHERE state || '' = 'queued' AND parts = 0 AND deadline_at IS NOT NULL AND deadline_at < ?"
    return plain.found(Job, late, now)


def open_of(bot: str) -> list[Job]:
    """The open jobs of a bot. Cheap, however many are over, as pages ask it all the time."""
    return plain.found(Job, f"WHERE bot = ? AND state || '' IN ({OPEN_IN_SQL})", bot)


def open_on(node: str) -> list[Job]:
    """The open jobs on a node."""
    return list(Job.select().where((Job.node == node) & Job.state.in_(STILL_OPEN)))


def open_for(person: str) -> list[Job]:
    """The open jobs of a person's bots, in the order they came."""
    theirs = "bot IN (SELECT target FROM belongs WHERE source = ?)"
    return plain.found(Job, f"WHERE {theirs} AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id", person)


def open_calls(command: str) -> list[Job]:
    """The open jobs of a command, whoever asked for them, in the order they came."""
    return plain.found(Job, f"WHERE command = ? AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id", command)


def happened(bot: str, commands: Iterable[str], page: Page) -> list[Job]:
    """A bot's jobs of these commands, newest first."""
    rows = Job.select().where((Job.bot == bot) & Job.command.in_(list(commands)))
    return page_of(rows, Job.created_at, Job.id, page)


def not_begun() -> list[Job]:
    """The jobs without parts that have not begun: they wait for a challenge, for a master, or for the master to publish."""
    waits = Job.state.in_(["asked", "queued", "claimed"])
    return list(Job.select().where(waits & (Job.parts == 0)).order_by(Job.created_at, Job.id))


def queued_before(then: float) -> list[Job]:
    """The jobs without a deadline that were asked for before ``then`` and are still queued, without jobs with parts."""
    return plain.found(Job, "WHERE state = 'queued' AND parts = 0 AND deadline_at IS NULL AND created_at < ?", then)


def left_open(then: float) -> list[str]:
    """The ids of jobs from before ``then`` that are still open although all their parts are over."""
    started = "state IN ('queued', 'running') AND parts > 0 AND created_at < ?"
    open_part = f"SELECT 1 FROM job part WHERE part.parent = job.id AND part.state IN ({OPEN_IN_SQL})"  # noqa: S608
    return [id for (id,) in read(f"SELECT id FROM job WHERE {started} AND NOT EXISTS ({open_part})", then)]  # noqa: S608


def of_runs(runs: Iterable[str]) -> dict[str, list[Job]]:
    """The open jobs that each of these runs carries out, in the order they came."""
    these = list(runs)
    told = f"WHERE run IN ({places(len(these))}) AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id"
    carried: dict[str, list[Job]] = {run: [] for run in these}
    for job in plain.found(Job, told, *these):
        carried[str(job.run)].append(job)
    return carried


def beginning(id: str, actor: str | None, limit: int) -> list[Job]:
    """The jobs of the catalogue's commands whose id starts with ``id``, without parts; of that actor, if given."""
    rows = Job.select().where((Job.id >= id) & (Job.id <= id + "g") & Job.plan.is_null(False) & Job.parent.is_null())
    rows = rows if actor is None else rows.where(Job.actor == actor)
    return list(rows.order_by(Job.id).limit(limit))


def of_commands(actor: str | None, limit: int) -> list[Job]:
    """The newest jobs of the catalogue's commands, without parts, previews and the service's own calls; of that actor."""
    rows = Job.select().where(
        Job.plan.is_null(False) & Job.parent.is_null() & (Job.fingerprint != "") & ~Job.is_preview
    )
    rows = rows if actor is None else rows.where(Job.actor == actor)
    return list(rows.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit))
