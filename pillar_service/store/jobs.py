"""Jobs and their lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import SQL, CompositeKey, DoubleField, IntegerField, TextField, fn

from pillar_service.core.jobs import NORMAL, OPEN, URGENT, JobState
from pillar_service.store.agents import Belongs
from pillar_service.store.database import JsonField, Table
from pillar_service.store.paging import Page, page_of
from pillar_service.store.reading import places, read

STILL_OPEN = sorted(str(state) for state in OPEN)

QUEUED = SQL("state = 'queued'")
"""Written out, not bound: else SQLite does not see that a partial index holds these rows."""


class Job(Table):
    """One thing asked for: of a bot, or of nodes by a command of the catalogue.

    ``run`` is the publish that carries it out; ``not_before`` delays another try. ``plan`` is what exactly is to run,
    where no command of core's says it. A job on several nodes runs nothing itself: it has ``parts``, jobs whose
    ``parent`` it is. ``begun`` is the last attempt that its node was allowed to begin; ``at_most`` is how many jobs of its
    command run at a time.
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


class JobLine(Table):
    """One line of what happened; ``key`` is unique in its job, so that a line sent twice is kept once.

    ``stream`` is where a command wrote it (stdout, stderr), or `note` for what its node says of it; None for others.
    """

    job = TextField()
    n = IntegerField()
    key = TextField()
    text = TextField()
    at = DoubleField()
    stream = TextField(null=True)

    class Meta:
        table_name = "job_line"
        primary_key = CompositeKey("job", "n")


def add(**columns: object) -> Job:
    """Add a job."""
    return Job.create(**columns)


def find(id: str) -> Job | None:
    """The job with that id."""
    return Job.get_or_none(Job.id == id)


def with_key(actor: str, idempotency_key: str) -> Job | None:
    """The job that this actor asked for under this key."""
    return Job.get_or_none((Job.actor == actor) & (Job.idempotency_key == idempotency_key))


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
    Job.update(**columns).where(Job.id == id).execute()


def adopt(id: str, parent: str) -> None:
    """A job that was asked for by itself becomes a part of another."""
    change(id, parent=parent)


def move(id: str, now_in: str, to: str, **columns: object) -> bool:
    """Bring a job from one state to the next; False when it was no longer there."""
    moved = Job.update(state=to, **columns).where((Job.id == id) & (Job.state == now_in)).execute()
    return bool(moved == 1)


def is_waiting(now: float) -> bool:
    """Whether any job may be claimed now, or is past its deadline. Cheap: long polls ask it all the time."""
    return bool(Job.select().where(QUEUED & (Job.parts == 0) & (Job.not_before <= now)).exists())


@dataclass(frozen=True)
class Busy:
    """What can take no more now: nodes, nodes that already converge (by which commands), and commands at their limit."""

    nodes: list[str]
    converging: list[str]
    converges: list[str]


def waiting(now: float, busy: Busy, limit: int) -> list[Job]:
    """The first jobs that may be claimed now: by priority, then in the order they came.

    What is urgent does not wait for room on its node. A bot's jobs wait for one that is carried out already.
    """
    has_room = Job.node.is_null() | (Job.priority == URGENT) | Job.node.not_in(busy.nodes)
    may_converge = Job.node.not_in(busy.converging) | Job.command.not_in(busy.converges) | Job.node.is_null()
    other = Job.alias()
    is_free = Job.bot.is_null() | Job.bot.not_in(
        other.select(other.bot).where(_carried(other) & other.bot.is_null(False))
    )
    full = other.select(other.command).where(_carried(other) & other.at_most.is_null(False))
    full = full.group_by(other.command).having(fn.COUNT(other.id) >= fn.MIN(other.at_most))
    is_allowed = Job.at_most.is_null() | Job.command.not_in(full)
    rows = Job.select().where(QUEUED & (Job.parts == 0) & (Job.not_before <= now))
    rows = rows.where(has_room & may_converge & is_free & is_allowed)
    return list(rows.order_by(Job.priority, Job.created_at, Job.id).limit(limit))


def _carried(table: Any) -> Any:
    return table.state.in_([SQL("'claimed'"), SQL("'running'")])


def open_of_bots(bots: Iterable[str]) -> dict[str, list[Job]]:
    """The jobs of these bots that are not over, in the order they came, by bot."""
    found: dict[str, list[Job]] = {}
    rows = Job.select().where(Job.bot.in_(list(bots)) & Job.state.in_(STILL_OPEN))
    for job in rows.order_by(Job.created_at, Job.id):
        found.setdefault(str(job.bot), []).append(job)
    return found


def running_of(commands: Iterable[str]) -> dict[str, int]:
    """How many jobs of each of these commands are carried out now."""
    rows: Any = Job.select(Job.command, fn.COUNT(Job.id)).where(_carried(Job) & Job.command.in_(list(commands)))
    return dict(rows.group_by(Job.command).tuples())


def open_by_node() -> dict[str, int]:
    """How many jobs of each node are not over."""
    rows: Any = Job.select(Job.node, fn.COUNT(Job.id)).where(Job.state.in_(STILL_OPEN) & Job.node.is_null(False))
    return dict(rows.group_by(Job.node).tuples())


def open_of_actor(actor: str) -> int:
    """How many jobs of an actor are not over, parts not counted."""
    mine = (Job.actor == actor) & Job.state.in_(STILL_OPEN) & Job.parent.is_null()
    return int(Job.select().where(mine).count())


def parts_of(job: str) -> list[Job]:
    """The parts of a job, by node."""
    return list(Job.select().where(Job.parent == job).order_by(Job.node, Job.id))


def begin(id: str, node: str, attempt: int) -> bool:
    """Its node begins an attempt; False when that one is not the running one, or was begun before."""
    fresh = Job.begun.is_null() | (Job.begun < attempt)
    mine = (Job.id == id) & (Job.node == node) & (Job.state == "running") & (Job.attempts == attempt)
    return bool(Job.update(begun=attempt).where(mine & fresh).execute() == 1)


def past_deadline(now: float) -> list[Job]:
    """The queued jobs whose deadline has passed; a job with parts ends as they do."""
    late = QUEUED & (Job.parts == 0) & Job.deadline_at.is_null(False) & (Job.deadline_at < now)
    return list(Job.select().where(late))


def open_of(bot: str) -> list[Job]:
    """The jobs of a bot that are not over."""
    return list(Job.select().where((Job.bot == bot) & Job.state.in_(STILL_OPEN)))


def open_on(node: str) -> list[Job]:
    """The jobs of a node's bots that are not over."""
    return list(Job.select().where((Job.node == node) & Job.state.in_(STILL_OPEN)))


def open_for(person: str) -> list[Job]:
    """The jobs of a person's bots that are not over, in the order they came."""
    theirs = Belongs.select(Belongs.target).where(Belongs.source == person)
    rows = Job.select().where(Job.bot.in_(theirs) & Job.state.in_(STILL_OPEN))
    return list(rows.order_by(Job.created_at, Job.id))


def happened(bot: str, commands: Iterable[str], page: Page) -> list[Job]:
    """A bot's jobs of these commands, newest first."""
    rows = Job.select().where((Job.bot == bot) & Job.command.in_(list(commands)))
    return page_of(rows, Job.created_at, Job.id, page)


def queued_before(then: float) -> list[Job]:
    """The jobs that have been queued since before then."""
    return list(Job.select().where(QUEUED & (Job.created_at < then)))


def of_runs(runs: Iterable[str]) -> list[Job]:
    """The jobs that these runs carry out and that are not over, in the order they came."""
    rows = Job.select().where(Job.run.in_(list(runs)) & Job.state.in_(STILL_OPEN))
    return list(rows.order_by(Job.created_at, Job.id))


def beginning(id: str, actor: str | None, limit: int) -> list[Job]:
    """The jobs of commands whose id begins so, parts not among them; of that actor."""
    rows = Job.select().where((Job.id >= id) & (Job.id <= id + "g") & Job.plan.is_null(False) & Job.parent.is_null())
    rows = rows if actor is None else rows.where(Job.actor == actor)
    return list(rows.order_by(Job.id).limit(limit))


def of_commands(actor: str | None, limit: int) -> list[Job]:
    """The newest jobs of commands, parts and calls of our own not among them; of that actor."""
    rows = Job.select().where(Job.plan.is_null(False) & Job.parent.is_null() & (Job.fingerprint != ""))
    rows = rows if actor is None else rows.where(Job.actor == actor)
    return list(rows.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit))


def lines(job: str, after: int = 0, limit: int | None = None) -> list[JobLine]:
    """A job's lines after the n-th, in order; at most so many."""
    rows = JobLine.select().where((JobLine.job == job) & (JobLine.n > after)).order_by(JobLine.n)
    return list(rows if limit is None else rows.limit(limit))


def texts(jobs: Sequence[str]) -> dict[str, list[str]]:
    """The lines of these jobs, in order, by job."""
    found: dict[str, list[str]] = {}
    told = f"SELECT job, text FROM job_line WHERE job IN ({places(len(jobs))}) ORDER BY job, n"  # noqa: S608
    for job, text in read(told, *jobs):
        found.setdefault(job, []).append(text)
    return found


def line_count(job: str) -> int:
    """How many lines a job has."""
    return int(JobLine.select(fn.COALESCE(fn.MAX(JobLine.n), 0)).where(JobLine.job == job).scalar())


def add_line(job: str, n: int, key: str, text: str, now: float) -> bool:
    """Add a job's n-th line; False when a line with that key is there."""
    if JobLine.select().where((JobLine.job == job) & (JobLine.key == key)).exists():
        return False
    JobLine.create(job=job, n=n, key=key, text=text, at=now)
    return True
