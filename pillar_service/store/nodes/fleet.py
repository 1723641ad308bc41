"""The fleet: how many bots were in which state over time, and what each node carries now."""

from collections.abc import Iterable
from typing import Any

from peewee import SQL, BigIntegerField, CompositeKey, IntegerField, TextField, fn

from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import Table
from pillar_service.store.people.agents import Agent


class FleetCount(Table):
    """How many bots were in a state at a moment (``at``, Unix seconds)."""

    at = BigIntegerField()
    actual = TextField()
    bots = IntegerField()

    class Meta:
        primary_key = CompositeKey("at", "actual")


def is_counted(at: int) -> bool:
    """Whether the bots were counted at that moment. Cheap, as every report asks it."""
    return bool(FleetCount.select().where(FleetCount.at == at).exists())


def count(at: int, silent_since: float, settled: list[str], silent: str) -> None:
    """Record how many bots are in each state now, as `by_state` counts them, for the moment ``at`` (Unix seconds)."""
    for state, bots in by_state(silent_since, settled, silent).items():
        FleetCount.create(at=at, actual=state, bots=bots)


def by_state(silent_since: float, settled: list[str], silent: str) -> dict[str, int]:
    """How many bots are in each state now.

    Bots not reported since ``silent_since`` (Unix seconds) count as ``silent``, unless their state is among ``settled``.
    """
    rows: Any = (
        Bot.select(Bot.actual, (Bot.reported_at < silent_since).alias("old"), fn.COUNT(Bot.agent).alias("bots"))
        .join(Agent)
        .where(Agent.removed_at.is_null())
        .group_by(Bot.actual, SQL("old"))
        .tuples()
    )
    counts: dict[str, int] = {}
    for actual, old, bots in rows:
        state = silent if old and actual not in settled else actual
        counts[state] = counts.get(state, 0) + bots
    return counts


def forget(before: int) -> None:
    """Delete the counts from before ``before`` (Unix seconds)."""
    FleetCount.delete().where(FleetCount.at < before).execute()


def counts(moments: Iterable[int]) -> list[tuple[int, str, int]]:
    """Moment, state and number of bots, for each of these moments (Unix seconds)."""
    rows: Any = FleetCount.select(FleetCount.at, FleetCount.actual, FleetCount.bots)
    return list(rows.where(FleetCount.at.in_(list(moments))).order_by(FleetCount.at).tuples())


def carried() -> list[tuple[str, int, dict[str, Any] | None]]:
    """Node, memory limit (MiB) and last report of each existing bot."""
    rows: Any = Bot.select(Bot.node, Bot.memory_mb, Bot.report).join(Agent)
    return list(rows.where(Agent.removed_at.is_null()).tuples())
