"""Nodes in bulk, with the bodies that the service would write for them."""

import secrets
from collections.abc import Iterator

from daemons import Service
from peewee import chunked

from pillar_service.core.nodes import pillar
from pillar_service.core.people import tokens
from pillar_service.core.people.agents import Desired
from pillar_service.store import database
from pillar_service.store.nodes.nodes import Node
from pillar_service.store.nodes.pillars import Change, Pillar

BOTS = 3
"""Bots on each node, which makes a body of about 1.2 kB."""

ROWS = 1000


def name(number: int) -> str:
    """The id of the n-th node; bench/wrk.lua makes the same ids."""
    return f"node-{number:06d}"


def fill(service: Service, count: int) -> None:
    """Write so many nodes and their pillars into the database of a running service."""
    database.connect(service.environment["CELLAR_DATABASE"])
    try:
        with database.transaction():
            for part in chunked(range(count), ROWS):
                Node.insert_many([_node(number) for number in part]).execute()
                Pillar.insert_many(list(_pillars(service, part))).execute()
            Change.update(serial=count).execute()
    finally:
        database.release()


def body(service: Service, number: int) -> str:
    """The body of the n-th node, with bots that no other node has."""
    door = {
        "url": service.public_url,
        "token": tokens.node_token(service.environment["CELLAR_SECRET_KEY"], name(number)),
    }
    return pillar.body(name(number), door, [_bot(number * BOTS + bot) for bot in range(BOTS)])


def bodies(service: Service) -> Iterator[tuple[str, str]]:
    """All nodes and their bodies, as they are in the database."""
    database.connect(service.environment["CELLAR_DATABASE"])
    try:
        yield from Pillar.select(Pillar.node, Pillar.body).tuples()
    finally:
        database.release()


def _node(number: int) -> dict[str, object]:
    return {"id": name(number), "concurrency": 4, "port_first": 20000, "port_last": 20999, "facts": {}}


def _pillars(service: Service, numbers: list[int]) -> Iterator[dict[str, object]]:
    for number in numbers:
        written = body(service, number)
        yield {"node": name(number), "body": written, "etag": pillar.etag(written), "serial": number + 1}


def _bot(number: int) -> pillar.BotFacts:
    label = f"bot-{number}"
    return pillar.BotFacts(
        id=secrets.token_hex(8),
        name=label,
        host=f"{label}.butt.nz",
        service="pub",
        desired=Desired.RUNNING,
        purge=False,
        port=20000 + number % BOTS,
        image="saltcellar/pub:0.1.0",
        memory_mb=256,
    )
