"""Transfers: tars, uploaded to be imported, or exported to be downloaded."""

import json
from math import inf
from typing import Any, NamedTuple

from peewee import BigIntegerField, DoubleField, TextField

from pillar_service.store import plain
from pillar_service.store.bots.moves import OPEN as MOVES
from pillar_service.store.database import Table
from pillar_service.store.sql import read


class Transfer(Table):
    """One tar. ``kind`` is upload or export; ``job`` is the job that it belongs to, None for an upload not used yet."""

    id = TextField(primary_key=True)
    kind = TextField()
    job = TextField(null=True)
    pub_id = TextField()
    sequence = BigIntegerField()
    size = BigIntegerField()
    sha256 = TextField()
    created_at = DoubleField()


def add(**columns: object) -> Transfer:
    """Add a transfer."""
    return Transfer.create(**columns)


def find(id: str) -> Transfer | None:
    """The transfer with that id."""
    return Transfer.get_or_none(Transfer.id == id)


def of_job(job: str) -> Transfer | None:
    """The transfer of a job."""
    return Transfer.get_or_none(Transfer.job == job)


NEWEST = "ORDER BY CASE WHEN {0}created_at > ? THEN 1 ELSE 0 END, {0}created_at DESC, {0}id"
"""Newest first, but those with a time later than now, made while the clock was ahead, last."""


def of_bot(bot: str, now: float = inf) -> list[Transfer]:
    """The transfers of a bot's jobs, newest first, but those made after ``now`` last."""
    theirs = f"WHERE job IN (SELECT id FROM job WHERE bot = ?) {NEWEST.format('')}"  # noqa: S608
    return plain.found(Transfer, theirs, bot, now)


def use(id: str, job: str) -> bool:
    """Give an upload to the job that imports it; False when another job has it."""
    given = Transfer.update(job=job).where((Transfer.id == id) & Transfer.job.is_null())
    return bool(given.execute() == 1)


def hand_on(id: str, job: str) -> None:
    """Turn an export into the upload that another job imports."""
    Transfer.update(kind="upload", job=job).where(Transfer.id == id).execute()


def forget_unused(id: str) -> bool:
    """Forget an upload that no job has; False when one has it, or there is no such upload."""
    return bool(Transfer.delete().where((Transfer.id == id) & Transfer.job.is_null()).execute())


class Standing(NamedTuple):
    """A transfer with what decides whether it stays.

    ``state`` and ``arguments`` are its job's. ``has_data`` says whether the data of that job's bot is to be kept, ``moves``
    whether that bot is being moved.
    """

    id: str
    kind: str
    created_at: float
    state: str | None
    arguments: dict[str, Any]
    bot: str | None
    has_data: bool
    moves: bool


STANDING = f"""
SELECT t.id, t.kind, t.created_at, j.state, j.arguments, j.bot,
    (a.removed_at IS NULL OR b.purge_at IS NOT NULL) AND NOT (b.desired = 'absent' AND b.purge),
    EXISTS (SELECT 1 FROM move WHERE bot = j.bot AND {MOVES})
FROM transfer t LEFT JOIN job j ON j.id = t.job LEFT JOIN bot b ON b.agent = j.bot LEFT JOIN agent a ON a.id = j.bot
{NEWEST.format("t.")}
"""  # noqa: S608


def standing(now: float) -> list[Standing]:
    """All transfers, newest first, but those made after ``now`` last, by one query."""
    return [
        Standing(id, kind, at, state, json.loads(given or "{}"), bot, bool(has_data), bool(moves))
        for id, kind, at, state, given, bot, has_data, moves in read(STANDING, now)
    ]


def forget(*ids: str) -> None:
    """Forget transfers."""
    Transfer.delete().where(Transfer.id.in_(ids)).execute()
