"""Samples: what nodes told of their bots, moment by moment."""

from peewee import CompositeKey, DoubleField, TextField

from pillar_service.core.agents import Actual
from pillar_service.store.database import JsonField, Table


class Sample(Table):
    """One report on one bot at one moment; the same moment told twice is kept once."""

    bot = TextField()
    at = DoubleField()
    actual = TextField()
    report = JsonField()

    class Meta:
        primary_key = CompositeKey("bot", "at")


def add(bot: str, at: float, actual: Actual, report: object) -> None:
    """Keep a report, unless that moment's is there."""
    Sample.insert(bot=bot, at=at, actual=str(actual), report=report).on_conflict_ignore().execute()


def newest(bot: str, limit: int) -> list[Sample]:
    """A bot's newest samples, newest first."""
    return list(Sample.select().where(Sample.bot == bot).order_by(Sample.at.desc()).limit(limit))


def forget(bot: str, before: float | None = None) -> None:
    """Forget a bot's samples: all, or those from before then."""
    rows = Sample.delete().where(Sample.bot == bot)
    (rows if before is None else rows.where(Sample.at < before)).execute()
