"""The dashboard: a person's bots, and what is being done with them."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from pillar_service.core.bots import health
from pillar_service.core.jobs import faults
from pillar_service.core.people.agents import Actual
from pillar_service.settings import settings
from pillar_service.store.bots import bots
from pillar_service.store.bots.bots import Glimpse
from pillar_service.store.jobs import jobs, outputs

STEPS = 12
"""How many of the last steps of a pouring are shown."""


class Doing(NamedTuple):
    """A job that is not over, as a card shows it."""

    id: str
    command: str
    state: str
    created_at: float


class Card(NamedTuple):
    """What the dashboard shows of a bot; kept small, because it is fetched every few seconds.

    ``job`` is the bot's oldest open job, or None; ``steps`` are that job's last lines while the bot is being poured.
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
    job: Doing | None
    steps: tuple[str, ...]


def of(person: str) -> list[Card]:
    """The bots that a person belongs to."""
    found, now, domain = bots.glimpses(person), time.time(), settings().domain
    doing = {job.bot: job for job in reversed(jobs.open_for(person))}
    pouring = [bot.id for bot in found if bot.actual == Actual.PROVISIONING and bot.id in doing]
    steps = outputs.last_texts([doing[bot].id for bot in pouring], STEPS) if pouring else {}
    return [_card(bot, domain, doing.get(bot.id), steps, now) for bot in found]


def _card(bot: Glimpse, domain: str, job: jobs.Job | None, steps: Mapping[str, list[str]], now: float) -> Card:
    return Card(
        id=bot.id,
        name=bot.name,
        host=f"{bot.name}.{domain}",
        description=bot.description,
        desired=bot.desired,
        actual=str(health.seen(Actual(bot.actual), bot.reported_at, now)),
        detail=faults.for_people(bot.detail),
        disk_bytes=bot.disk_bytes,
        memory_bytes=bot.memory_bytes,
        peers=bot.peers,
        job=Doing(job.id, job.command, job.state, job.created_at) if job else None,
        steps=tuple(faults.for_people(text) for text in steps.get(job.id, [])) if job else (),
    )
