"""Jobs and their lines."""

from collections.abc import Iterable, Sequence

from peewee import CompositeKey, DoubleField, IntegerField, TextField, fn

from pillar_service.core.jobs import OPEN, JobState
from pillar_service.store.agents import Belongs
from pillar_service.store.database import JsonField, Table
from pillar_service.store.paging import Page, page_of
from pillar_service.store.reading import places, read

STILL_OPEN = sorted(str(state) for state in OPEN)


class Job(Table):
    """One thing asked of one bot. ``run`` is the publish that carries it out; ``not_before`` delays another try."""

    id = TextField(primary_key=True)
    command = TextField()
    bot = TextField()
    node = TextField()
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


class JobLine(Table):
    """One line of what happened; ``key`` is unique in its job, so that a line sent twice is kept once."""

    job = TextField()
    n = IntegerField()
    key = TextField()
    text = TextField()
    at = DoubleField()

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


def move(id: str, now_in: str, to: str, **columns: object) -> bool:
    """Bring a job from one state to the next; False when it was no longer there."""
    moved = Job.update(state=to, **columns).where((Job.id == id) & (Job.state == now_in)).execute()
    return bool(moved == 1)


def is_waiting(now: float) -> bool:
    """Whether any job may be claimed now. Cheap: long polls ask it all the time."""
    return bool(Job.select().where((Job.state == "queued") & (Job.not_before <= now)).exists())


def still_open() -> list[Job]:
    """Every job that is not over, in the order they came."""
    return list(Job.select().where(Job.state.in_(STILL_OPEN)).order_by(Job.created_at, Job.id))


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
    return list(Job.select().where((Job.state == "queued") & (Job.created_at < then)))


def of_runs(runs: Iterable[str]) -> list[Job]:
    """The jobs that these runs carry out and that are not over, in the order they came."""
    rows = Job.select().where(Job.run.in_(list(runs)) & Job.state.in_(STILL_OPEN))
    return list(rows.order_by(Job.created_at, Job.id))


def lines(job: str, after: int = 0) -> list[JobLine]:
    """A job's lines after the n-th, in order."""
    return list(JobLine.select().where((JobLine.job == job) & (JobLine.n > after)).order_by(JobLine.n))


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
