"""The dashboard: a person's bots, and what is being done with them."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from pillar_service.core import health
from pillar_service.core.agents import Actual
from pillar_service.settings import settings
from pillar_service.store import bots, jobs
from pillar_service.store.bots import Glimpse
from pillar_service.usecases import queue

STEPS = 12
"""How many of the last steps of a pouring are shown."""


class Card(NamedTuple):
    """What the dashboard shows of a bot: no more, as it is asked for every few seconds.

    ``job`` is its first one that is not over, or None; ``steps`` are that job's last lines, while the bot is poured.
    """

    id: str
    name: str
    host: str
    description: str
    desired: str
    actual: str
    detail: str
    disk_bytes: int | None
    memory_bytes: int | None
    peers: int | None
    job: dict[str, Any] | None
    steps: tuple[str, ...]


def of(person: str) -> list[Card]:
    """The bots that a person belongs to."""
    found, now, domain = bots.glimpses(person), time.time(), settings().domain
    doing = {job.bot: job for job in reversed(jobs.open_for(person))}
    pouring = [bot.id for bot in found if bot.actual == Actual.PROVISIONING and bot.id in doing]
    steps = jobs.texts([doing[bot].id for bot in pouring]) if pouring else {}
    return [_card(bot, domain, doing.get(bot.id), steps, now) for bot in found]


def _card(bot: Glimpse, domain: str, job: jobs.Job | None, steps: Mapping[str, list[str]], now: float) -> Card:
    told = bot.report or {}
    return Card(
        id=bot.id,
        name=bot.name,
        host=f"{bot.name}.{domain}",
        description=bot.description,
        desired=bot.desired,
        actual=str(health.seen(Actual(bot.actual), bot.reported_at, now)),
        detail=bot.detail,
        disk_bytes=told.get("disk_bytes"),
        memory_bytes=told.get("memory_bytes"),
        peers=told.get("peers"),
        job=queue.described(job, bot.name) if job else None,
        steps=tuple(steps.get(job.id, [])[-STEPS:]) if job else (),
    )
