"""The lines that came of a job, by attempt: how far they came, what is kept, what was left out."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from peewee import BigIntegerField, CompositeKey, IntegerField, TextField

from pillar_service.store import rows
from pillar_service.store.database import Table
from pillar_service.store.jobs import jobs
from pillar_service.store.reading import places, read

COLUMNS = {"job": str, "n": int, "key": str, "text": str, "at": float, "stream": str}


class JobOutput(Table):
    """Of one attempt of a job: the highest line that was ``taken``, how many are kept, how many were ``dropped``."""

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
    """One line; ``key`` is unique in its job, ``stream`` is None where nobody says by which it came."""

    key: str
    stream: str | None
    text: str


def of_job(job: str) -> list[JobOutput]:
    """What is known of each attempt of a job."""
    return list(JobOutput.select().where(JobOutput.job == job))


def keys(job: str, asked: Sequence[str]) -> set[str]:
    """Those of these keys that a line of the job has."""
    told = f"SELECT key FROM job_line WHERE job = ? AND key IN ({places(len(asked))})"  # noqa: S608
    return {key for (key,) in read(told, job, *asked)}


def add_lines(job: str, lines: Iterable[Line], now: float) -> None:
    """Keep lines, after all that the job has, in one statement."""
    first = jobs.line_count(job) + 1
    told = ((job, n, line.key, line.text, now, line.stream) for n, line in enumerate(lines, first))
    rows.insert("job_line", COLUMNS, told, "ON CONFLICT DO NOTHING")


def put(job: str, attempt: int, **columns: int) -> None:
    """Write down how far an attempt's lines came."""
    JobOutput.insert(job=job, attempt=attempt, **columns).on_conflict(
        conflict_target=[JobOutput.job, JobOutput.attempt], update=columns
    ).execute()
