"""Samples: figures that nodes reported on their bots, second by second; and buckets, which sum them up and last longer."""

from collections.abc import Iterable, Mapping
from typing import Any

from peewee import BigIntegerField, CompositeKey, Expression, IntegerField, SmallIntegerField

from pillar_service.core.bots.series import Bucket, Sample
from pillar_service.store import rows
from pillar_service.store.database import Table, on_sqlite
from pillar_service.store.sql import read


class SampleRow(Table):
    """One report on one bot in one second; ``bot`` is its id as a signed number (`key`)."""

    bot = BigIntegerField()
    at = BigIntegerField()
    disk = BigIntegerField(null=True)
    rx = BigIntegerField(null=True)
    tx = BigIntegerField(null=True)
    started = BigIntegerField(null=True)
    memory = IntegerField(null=True)
    peers = IntegerField(null=True)
    restarts = IntegerField(null=True)

    class Meta:
        table_name = "sample"
        primary_key = CompositeKey("bot", "at")


class BucketRow(Table):
    """A bot's reports of the ``step`` seconds from ``at``, summed up; ``last`` counts seconds from ``at``, too."""

    bot = BigIntegerField()
    at = BigIntegerField()
    disk = BigIntegerField(null=True)
    rx = BigIntegerField(null=True)
    tx = BigIntegerField(null=True)
    started = BigIntegerField(null=True)
    memory_sum = BigIntegerField()
    memory_max = IntegerField(null=True)
    peers_sum = IntegerField()
    peers_max = IntegerField(null=True)
    step = SmallIntegerField()
    memory_n = SmallIntegerField()
    peers_n = SmallIntegerField()
    last = SmallIntegerField()
    restarts = IntegerField(null=True)

    class Meta:
        table_name = "bucket"
        primary_key = CompositeKey("bot", "step", "at")


def key(bot: str) -> int:
    """A bot's id as these tables store it."""
    # Both databases store 64 bits only as a signed number; as text, ids would make up half of each row.
    return int(bot, 16) - 2**63


def add(told: Mapping[str, Iterable[Sample]]) -> dict[str, list[Sample]]:
    """Add samples of bots, and return the new ones. A bot's first sample for a second stays; others for it are ignored."""
    given = {(key(bot), one.at): (bot, one) for bot, samples in told.items() for one in samples}
    columns = ("bot", *Sample._fields)
    new = rows.insert_plain(
        "sample",
        columns,
        ((bot, *one) for (bot, _), (_, one) in given.items()),
        "ON CONFLICT DO NOTHING RETURNING bot, at",
    )
    found: dict[str, list[Sample]] = {}
    for place in new:
        bot, one = given[tuple(place)]
        found.setdefault(bot, []).append(one)
    return found


def merge(step: int, told: Mapping[str, Iterable[Bucket]]) -> None:
    """Merge buckets of ``step`` seconds into the existing ones, as core's ``merged`` does."""
    given = ((key(bot), step, one.at, one.last - one.at, *one[2:]) for bot, buckets in told.items() for one in buckets)
    rows.insert_plain("bucket", ("bot", "step", *Bucket._fields), given, _merging())


def _merging() -> str:
    # SQLite's scalar max() is NULL when either value is; PostgreSQL's greatest() ignores NULLs.
    most = "max(coalesce(bucket.{0}, excluded.{0}), coalesce(excluded.{0}, bucket.{0}))"
    if not on_sqlite():
        most = "greatest(bucket.{0}, excluded.{0})"
    newest = "CASE WHEN excluded.last >= bucket.last THEN excluded.{0} ELSE bucket.{0} END"
    rules = {
        "bucket.{0} + excluded.{0}": ("memory_n", "memory_sum", "peers_n", "peers_sum"),
        most: ("memory_max", "peers_max", "last"),
        newest: ("disk", "rx", "tx", "started", "restarts"),
    }
    sets = (f"{name} = {rule.format(name)}" for rule, names in rules.items() for name in names)
    return f"ON CONFLICT (bot, step, at) DO UPDATE SET {', '.join(sets)}"


def newest(bot: str, limit: int) -> list[Sample]:
    """A bot's newest samples, newest first."""
    return _samples(SampleRow.bot == key(bot), SampleRow.at.desc(), limit)


def since(bot: str, at: float) -> list[Sample]:
    """A bot's samples since ``at`` (Unix seconds), oldest first."""
    return _samples((SampleRow.bot == key(bot)) & (SampleRow.at >= at), SampleRow.at)


def _samples(where: Expression, order: object, limit: int | None = None) -> list[Sample]:
    wanted = (getattr(SampleRow, name) for name in Sample._fields)
    found: Any = SampleRow.select(*wanted).where(where).order_by(order).limit(limit).tuples()
    return [Sample(*row) for row in found]


SINCE = f"SELECT at, at + last, {', '.join(Bucket._fields[2:])} FROM bucket WHERE bot = ? AND step = ? AND at >= ? ORDER BY at"  # noqa: S608


def buckets_since(bot: str, step: int, at: float) -> list[Bucket]:
    """A bot's buckets of ``step`` seconds that begin at ``at`` (Unix seconds) or later, oldest first."""
    return [Bucket._make(row) for row in read(SINCE, key(bot), step, at)]


REVISION = "SELECT count(*), min(at), sum(last), sum(memory_n), sum(peers_n) FROM bucket WHERE bot = ? AND step = ? AND at >= ?"


def revision(bot: str, step: int, at: float) -> tuple[int | None, ...]:
    """A value that changes with anything that `buckets_since` finds, at a tenth of its cost.

    Buckets are deleted oldest first, and merging a sample that changes a bucket increases a count or ``last``.
    """
    [found] = read(REVISION, key(bot), step, at)
    return tuple(None if value is None else int(value) for value in found)


def expire(bots: Iterable[str], before: float, buckets_before: Mapping[int, float]) -> None:
    """Forget these bots' samples from before ``before``, and their buckets from before the time given for each step."""
    keys = [key(bot) for bot in bots]
    SampleRow.delete().where(SampleRow.bot.in_(keys) & (SampleRow.at < before)).execute()
    for step, moment in buckets_before.items():
        old = (BucketRow.step == step) & (BucketRow.at < moment)
        BucketRow.delete().where(BucketRow.bot.in_(keys) & old).execute()


def forget(bot: str) -> None:
    """Forget all of a bot's samples and buckets."""
    for table in (SampleRow, BucketRow):
        table.delete().where(table.bot == key(bot)).execute()
