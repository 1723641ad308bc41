"""Jobs. The lines that come of them are in outputs.py."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from peewee import BooleanField, DoubleField, IntegerField, TextField, fn

from pillar_service.core.jobs.jobs import NORMAL, OPEN, JobState
from pillar_service.store import plain, rows
from pillar_service.store.database import JsonField, Table
from pillar_service.store.paging import Page, page_of
from pillar_service.store.sql import places, read

STILL_OPEN = sorted(str(state) for state in OPEN)

OPEN_IN_SQL = ", ".join(f"'{state}'" for state in STILL_OPEN)
"""Written out, not bound: else SQLite does not see that a partial index holds these rows.

`state || ''` and `command || ''` below keep SQLite, which does not know how many rows are in a state, from an index of
all states or commands: with 20,000 jobs that wait it read each of them for each that it claimed.
"""


class Job(Table):
    """One thing asked for: of a bot, or of nodes by a command of the catalogue.

    ``run`` is the publish that carries it out; ``not_before`` delays another try. ``plan`` is what exactly is to run,
    where no command of core's says it. A job on several nodes runs nothing itself: it has ``parts``, jobs whose
    ``parent`` it is. ``begun`` is the last attempt that its node was allowed to begin; ``at_most`` is how many jobs of its
    command run at a time. ``request`` is the request in which it was asked for. One that ``is_preview`` only shows what
    another would do. One with a plan ``converges`` when that applies states.
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
    """A job that is not added yet."""
    return plain.new(Job, columns)


def add_new(these: Sequence[Job]) -> None:
    """Add new jobs in one statement."""
    plain.add_all(Job, these)


QUEUED_COLUMNS: dict[str, type] = {
    "id": str, "parent": str, "command": str, "node": str, "state": str, "arguments": str, "attempts": int,
    "plan": str, "priority": int, "parts": int, "at_most": int, "deadline_at": float, "actor": str,
    "fingerprint": str, "created_at": float, "not_before": float, "request": str, "converges": bool,
}  # fmt: skip
"""The columns of a queued job that is a part of another, and what each holds."""


def add_queued(these: Iterable[Job]) -> None:
    """Add queued jobs that have no more than those columns, such as the parts of a job: many in one statement."""
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
    """The newest jobs, in that state, on that node, of that bot, asked for by that actor, of any of these bots."""
    rows = Job.select().order_by(Job.created_at.desc()).limit(limit)
    rows = rows if bots is None else rows.where(Job.bot.in_(list(bots)))
    for column, value in ((Job.state, state), (Job.node, node), (Job.bot, bot), (Job.actor, actor)):
        rows = rows if value is None else rows.where(column == value)
    return list(rows)


def newest(bot: str, command: str, state: str) -> Job | None:
    """The newest job of that command for a bot in that state."""
    rows = Job.select().where((Job.bot == bot) & (Job.command == command) & (Job.state == state))
    found: Job | None = rows.order_by(Job.created_at.desc()).first()
    return found


def change(id: str, **columns: object) -> None:
    """Change a job's columns, not its state."""
    plain.change(Job, columns, "id = ?", id)


def adopt(id: str, parent: str) -> None:
    """A job that was asked for by itself becomes a part of another."""
    change(id, parent=parent)


def move(id: str, now_in: str, to: str, **columns: object) -> bool:
    """Bring a job from one state to the next; False when it was no longer there."""
    return plain.change(Job, {"state": str(to), **columns}, "id = ? AND state = ?", id, str(now_in)) == 1


class End(NamedTuple):
    """How a running job ends, by its id."""

    id: str
    state: str
    ended_at: float
    result: Any
    error: str | None


def end(ends: Sequence[End]) -> None:
    """Running jobs are over, in one statement."""
    if not ends:
        return
    told = [(*one[:3], None if one.result is None else json.dumps(one.result), one.error) for one in ends]
    "".join(one.error or "" for one in ends).encode()  # inside JSON it would be kept, and never read again
    columns = {"state": str, "ended_at": float, "result": str, "error": str}
    rows.update("job", "id", columns, told, "job.state || '' = 'running'")


def start(runs: Iterable[str], now: float) -> None:
    """The claimed jobs of these runs are carried out from now on."""
    these = list(runs)
    where = f"state || '' = 'claimed' AND run IN ({places(len(these))})"
    plain.change(Job, {"state": "running", "started_at": now}, where, *these)


def open_by_node() -> dict[str, int]:
    """How many jobs of each node are not over."""
    rows: Any = Job.select(Job.node, fn.COUNT(Job.id)).where(Job.state.in_(STILL_OPEN) & Job.node.is_null(False))
    return dict(rows.group_by(Job.node).tuples())


def newest_by_node(these: Sequence[str]) -> dict[str, float]:
    """When each of these nodes was last asked for something. By the end of an index for each, however many jobs it had."""
    last = "SELECT MAX(created_at) FROM job WHERE job.node = node.id"
    told = read(f"SELECT id, ({last}) FROM node WHERE id IN ({places(len(these))})", *these)  # noqa: S608
    return {node: at for node, at in told if at is not None}


def open_of_actor(actor: str, most: int) -> int:
    """How many jobs of an actor are not over, parts and calls of our own not counted; not counted beyond so many."""
    told = f"actor = ? AND state IN ({OPEN_IN_SQL}) AND parent IS NULL AND fingerprint <> ''"
    return len(read(f"SELECT 1 FROM job WHERE {told} LIMIT ?", actor, most))  # noqa: S608


def open_of_bot(bot: str, most: int) -> int:
    """How many jobs of a bot are not over; not counted beyond so many."""
    told = f"SELECT 1 FROM job WHERE bot = ? AND state || '' IN ({OPEN_IN_SQL}) LIMIT ?"  # noqa: S608
    return len(read(told, bot, most))


def states_of_parts(job: str) -> set[str]:
    """The states that the parts of a job are in. Cheap: each part that ends asks it."""
    return {state for (state,) in read("SELECT DISTINCT state FROM job WHERE parent = ?", job)}


class Part(NamedTuple):
    """How a part of a job stands: where it runs (None: on the master), its state, and whether anything came back.

    ``refused`` says why it failed before any master was given it, if it did.
    """

    node: str | None
    state: str
    has_result: bool
    refused: str | None


def standing_of_parts(job: str) -> list[Part]:
    """How the parts of a job stand, by node. Cheap: what was asked and what came back stay where they are."""
    refused = "CASE WHEN state = 'failed' AND run IS NULL THEN error END"
    told = f"SELECT node, state, result IS NOT NULL, {refused} FROM job WHERE parent = ? ORDER BY node, id"  # noqa: S608
    return [Part(node, state, bool(has_result), why) for node, state, has_result, why in read(told, job)]


def parts_of(job: str) -> list[Job]:
    """The parts of a job, by node."""
    return list(Job.select().where(Job.parent == job).order_by(Job.node, Job.id))


def parts_or_itself(job: Job) -> list[Job]:
    """The jobs that run something for it: its parts, by node, or, where it has none, it alone."""
    return parts_of(job.id) if job.parts else [job]


def begin(id: str, node: str, attempt: int) -> bool:
    """Its node begins an attempt; False when that one is not the running one, or was begun before."""
    fresh = Job.begun.is_null() | (Job.begun < attempt)
    mine = (Job.id == id) & (Job.node == node) & (Job.state == "running") & (Job.attempts == attempt)
    return bool(Job.update(begun=attempt).where(mine & fresh).execute() == 1)


def past_deadline(now: float) -> list[Job]:
    """The queued jobs whose deadline has passed; a job with parts ends as they do."""
    late = "WHERE state || '' = 'queued' AND parts = 0 AND deadline_at IS NOT NULL AND deadline_at < ?"
    return plain.found(Job, late, now)


def open_of(bot: str) -> list[Job]:
    """The jobs of a bot that are not over."""
    return list(Job.select().where((Job.bot == bot) & Job.state.in_(STILL_OPEN)))


def open_on(node: str) -> list[Job]:
    """The jobs of a node's bots that are not over."""
    return list(Job.select().where((Job.node == node) & Job.state.in_(STILL_OPEN)))


def open_for(person: str) -> list[Job]:
    """The jobs of a person's bots that are not over, in the order they came."""
    theirs = "bot IN (SELECT target FROM belongs WHERE source = ?)"
    return plain.found(Job, f"WHERE {theirs} AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id", person)


def open_calls(command: str) -> list[Job]:
    """The jobs of a command that are not over, whoever asked for them, in the order they came."""
    return plain.found(Job, f"WHERE command = ? AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id", command)


def happened(bot: str, commands: Iterable[str], page: Page) -> list[Job]:
    """A bot's jobs of these commands, newest first."""
    rows = Job.select().where((Job.bot == bot) & Job.command.in_(list(commands)))
    return page_of(rows, Job.created_at, Job.id, page)


def not_begun() -> list[Job]:
    """The jobs of one place that wait: for somebody's yes, for a master, or for it to publish them."""
    waits = Job.state.in_(["asked", "queued", "claimed"])
    return list(Job.select().where(waits & (Job.parts == 0)).order_by(Job.created_at, Job.id))


def queued_before(then: float) -> list[Job]:
    """The jobs without a deadline of their own that have been queued since before then; a job with parts ends as they do."""
    return plain.found(Job, "WHERE state = 'queued' AND parts = 0 AND deadline_at IS NULL AND created_at < ?", then)


def left_open(then: float) -> list[str]:
    """The jobs from before then that are not over, though all their parts are."""
    started = "state IN ('queued', 'running') AND parts > 0 AND created_at < ?"
    open_part = f"SELECT 1 FROM job part WHERE part.parent = job.id AND part.state IN ({OPEN_IN_SQL})"  # noqa: S608
    return [id for (id,) in read(f"SELECT id FROM job WHERE {started} AND NOT EXISTS ({open_part})", then)]  # noqa: S608


def of_runs(runs: Iterable[str]) -> dict[str, list[Job]]:
    """The jobs that these runs carry out and that are not over, in the order they came, by run."""
    these = list(runs)
    told = f"WHERE run IN ({places(len(these))}) AND state || '' IN ({OPEN_IN_SQL}) ORDER BY created_at, id"
    carried: dict[str, list[Job]] = {run: [] for run in these}
    for job in plain.found(Job, told, *these):
        carried[str(job.run)].append(job)
    return carried


def beginning(id: str, actor: str | None, limit: int) -> list[Job]:
    """The jobs of commands whose id begins so, parts not among them; of that actor."""
    rows = Job.select().where((Job.id >= id) & (Job.id <= id + "g") & Job.plan.is_null(False) & Job.parent.is_null())
    rows = rows if actor is None else rows.where(Job.actor == actor)
    return list(rows.order_by(Job.id).limit(limit))


def of_commands(actor: str | None, limit: int) -> list[Job]:
    """The newest jobs of commands, parts, previews and calls of our own not among them; of that actor."""
    rows = Job.select().where(
        Job.plan.is_null(False) & Job.parent.is_null() & (Job.fingerprint != "") & ~Job.is_preview
    )
    rows = rows if actor is None else rows.where(Job.actor == actor)
    return list(rows.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit))
