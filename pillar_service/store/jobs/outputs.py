"""The lines of jobs; and for each attempt, how many lines were taken, kept and dropped."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from peewee import BigIntegerField, CompositeKey, DoubleField, IntegerField, TextField, fn

from pillar_service.store import rows
from pillar_service.store.database import Table
from pillar_service.store.sql import places, read

COLUMNS = {"job": str, "n": int, "key": str, "text": str, "at": float, "stream": str}


class JobLine(Table):
    """One line of a job; ``key`` is unique within the job, so that a line sent twice is kept once.

    ``stream`` is where a command wrote it (stdout, stderr), or `note` if it is its node's own remark; otherwise None.
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


class JobOutput(Table):
    """One attempt of a job: the number of the last line ``taken``, how many lines are ``kept`` and were ``dropped``."""

    job = TextField()
    attempt = IntegerField()
    taken = IntegerField()
    kept = IntegerField()
    kept_bytes = BigIntegerField()
    dropped = IntegerField()

    class Meta:
        table_name = "job_output"
        primary_key = CompositeKey("job", "attempt")


class Line(NamedTuple):
    """One line; ``key`` is unique within its job, and ``stream`` is None when it is not known."""

    key: str
    stream: str | None
    text: str


def lines(job: str, after: int = 0, limit: int | None = None) -> list[JobLine]:
    """A job's lines after its n-th, in order, at most ``limit``."""
    rows = JobLine.select().where((JobLine.job == job) & (JobLine.n > after)).order_by(JobLine.n)
    return list(rows if limit is None else rows.limit(limit))


def last_texts(jobs: Sequence[str], most: int) -> dict[str, list[str]]:
    """The last lines of each of these jobs, in order, at most ``most``. Cheap, as earlier lines are not read."""
    found: dict[str, list[str]] = {}
    last = "line.n > (SELECT MAX(n) FROM job_line WHERE job_line.job = job.id) - ?"
    lines = f"FROM job JOIN job_line line ON line.job = job.id AND {last} WHERE job.id IN ({places(len(jobs))})"
    for job, text in read(f"SELECT line.job, line.text {lines} ORDER BY line.job, line.n", most, *jobs):
        found.setdefault(job, []).append(text)
    return found


def line_count(job: str) -> int:
    """How many lines a job has."""
    return int(JobLine.select(fn.COALESCE(fn.MAX(JobLine.n), 0)).where(JobLine.job == job).scalar())


LINES_OF_ALL = """
SELECT COALESCE(SUM((SELECT MAX(n) FROM job_line WHERE job_line.job = job.id)), 0) FROM job WHERE id = ? OR parent = ?
"""
"""One look into the index for each part, in one statement; a GROUP BY would read every line."""


def line_count_of_all(job: str) -> int:
    """How many lines a job and its parts have together."""
    return int(read(LINES_OF_ALL, job, job)[0][0])


def add_line(job: str, n: int, key: str, text: str, now: float) -> bool:
    """Add a job's n-th line; False when the job has a line with that key."""
    if JobLine.select().where((JobLine.job == job) & (JobLine.key == key)).exists():
        return False
    JobLine.create(job=job, n=n, key=key, text=text, at=now)
    return True


def of_job(job: str) -> list[JobOutput]:
    """How far the lines of each attempt of a job came."""
    return list(JobOutput.select().where(JobOutput.job == job))


def taken(job: str, attempt: int) -> int:
    """The number of the last line taken of an attempt; 0 before the first."""
    return next((one.taken for one in of_job(job) if one.attempt == attempt), 0)


def keys(job: str, asked: Sequence[str]) -> set[str]:
    """Those of these keys that the job's lines have."""
    told = f"SELECT key FROM job_line WHERE job = ? AND key IN ({places(len(asked))})"  # noqa: S608
    return {key for (key,) in read(told, job, *asked)}


def add_lines(job: str, lines: Iterable[Line], now: float) -> None:
    """Add lines after the job's last, in one statement."""
    first = line_count(job) + 1
    told = ((job, n, line.key, line.text, now, line.stream) for n, line in enumerate(lines, first))
    rows.insert("job_line", COLUMNS, told, "ON CONFLICT DO NOTHING")


def put(job: str, attempt: int, **columns: int) -> None:
    """Record how far an attempt's lines came."""
    JobOutput.insert(job=job, attempt=attempt, **columns).on_conflict(
        conflict_target=[JobOutput.job, JobOutput.attempt], update=columns
    ).execute()
