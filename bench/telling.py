"""Nodes that report much: bots in bulk, their nodes' events, and figures as real pubs have them."""

import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import health, series
from pillar_service.core.people.agents import AgentType
from pillar_service.store import database
from pillar_service.store.bots import bots as rows_of_bots
from pillar_service.store.bots import samples
from pillar_service.store.nodes import nodes
from pillar_service.store.people import agents

BOTS, EVENTS, EVERY_S = 50, 1000, 15
PUB = "@" + "A" * 43 + "=.ed25519"


def bots(node: str, count: int = BOTS) -> list[str]:
    """Make a new node with so many bots; returns their ids."""
    ids = [names.new_id() for _ in range(count)]
    with database.transaction():
        nodes.add(node, 4, 20000, 20999)
        for n, id in enumerate(ids):
            agents.add(id, AgentType.BOT, f"{node}-{n}", "", time.time())
            rows_of_bots.add(
                id,
                service="pub",
                node=node,
                port=20000 + n,
                image="x",
                memory_mb=256,
                desired="running",
                actual="alive",
            )
    return ids


def known(node: str) -> list[str]:
    """The ids of the bots on a node."""
    return [bot.id for bot in rows_of_bots.listed(node=node)]


def batches(node: str, ids: list[str], number: int, count: int) -> list[list[dict[str, Any]]]:
    """The n-th lot of so many batches of 1,000 events; each event reports on one bot, 15 s after the last time."""
    each = EVENTS // len(ids)
    start = int(time.time()) - 86_400 + number * count * each * EVERY_S
    moments = [start + n * EVERY_S for n in range(count * each)]
    events = [_event(node, id, at, n) for at in moments for n, id in enumerate(ids)]
    return [events[first : first + EVENTS] for first in range(0, len(events), EVENTS)]


def _event(node: str, id: str, at: int, n: int) -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": health.EVENT_TYPE, "source": node, "id": f"{node}/{at}/{n}",
        "time": "2026-11-21T06:00:00.000+00:00", "datacontenttype": "application/json",
        "data": {"node": {"docker": True, "error": None, "unlisted": []}, "bots": [report(id, at, n)]},
    }  # fmt: skip


def report(id: str, at: int, n: int) -> dict[str, Any]:
    """A node's report on its n-th bot at a moment."""
    told = sample(n, at)
    return {
        "bot": id, "status": "running", "health": "healthy", "answers": True, "uptime_s": 86_400, "at": at,
        "disk_bytes": (told.disk or 0) * 1024, "memory_bytes": (told.memory or 0) * 1024, "memory_limit_bytes": 256 << 20,
        "peers": told.peers, "follows": 40, "pub_id": PUB, "sequence": at % 10**6, "version": "0.1.0",
        "rx_bytes": told.rx, "tx_bytes": told.tx, "restarts": 2,
    }  # fmt: skip


def rows(sent: Iterable[list[dict[str, Any]]]) -> Iterator[tuple[Any, ...]]:
    """The rows of the table that are kept of batches."""
    for batch in sent:
        for event in batch:
            [told] = event["data"]["bots"]
            yield samples.key(told["bot"]), *series.sample(told, told["at"])


def sample(n: int, at: int) -> series.Sample:
    """A sample of the n-th pub at a moment, with numbers as large as real ones."""
    chance = random.Random(n * 10**10 + at)
    grown = at - 1_700_000_000 + n
    memory = 90_000 + chance.randrange(60_000)
    return series.Sample(
        at, memory, chance.randrange(12), 2**21 + grown // 60, grown * 900, grown * 2_300, 1_699_000_000, 3
    )


def buckets(n: int, at: Iterable[int], step: int) -> list[series.Bucket]:
    """Full buckets of that width in seconds."""
    made = []
    count = step // EVERY_S
    for moment in at:
        one = series.bucket(sample(n, moment // step * step + step - EVERY_S), step)
        made.append(
            one._replace(
                memory_n=count, memory_sum=one.memory_sum * count, peers_n=count, peers_sum=one.peers_sum * count
            )
        )
    return made
