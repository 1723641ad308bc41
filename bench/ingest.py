"""Events taken: from a node's signed request to the answer, which is after the commit.

Events with 512 bytes of data, in batches of 1, 10 and 500, packed by gzip and signed with a 2,048-bit key beforehand,
brought over one connection to the public app as shipped (gunicorn, its default workers, SQLite with synchronous=FULL), by
one node and by 100 (four connections, a batch of each node in turn). Every event must be in the table at the end. Bare is
`executemany` of the same rows into a table of the same shape with the same indexes, one commit for each batch.
"""

import gzip
import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from daemons import Service

from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.events.submission import MEDIA_TYPE, Priority, Submission
from pillar_service.core.nodes import signatures

ROUNDS, SIZES, NODES, HANDS, LEAST = 3, {1: 300, 10: 2000, 500: 20_000}, 100, 4, 0.5
TEXT = "x" * 500
Request = tuple[bytes, str]

KNOW = """
import sys
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.service import storage
storage.prepare()
for name in sys.argv[2:]:
    nodes.add("bench", name)
    nodes.set_key("bench", name, sys.argv[1])
"""
SHAPE = """SELECT sql FROM sqlite_master WHERE tbl_name = 'event' AND sql IS NOT NULL"""


def measure(cellar: Cellar) -> list[Row]:
    """Events a second, from one node and from many, beside bare ones."""
    service, key = cellar.new_service("ingest"), rsa.generate_private_key(65537, 2048)
    encoding, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    names = [f"ingest-{number}" for number in range(NODES)]
    service.python(KNOW, key.public_key().public_bytes(encoding, kind).decode(), *names)
    rows, epoch = [], 0
    for size, count in SIZES.items():
        bare, one, many = [], [], []
        for _ in range(ROUNDS + 1):  # the first round warms up
            epoch += 1
            bare.append(_bare(cellar, service, size, count, epoch))
            one.append(_brought(service, [_requests(key, names[0], size, count, epoch)], count))
            each = count // NODES if count >= NODES * size else size
            epoch += 1
            batches = [[*_requests(key, name, size, each, epoch)] for name in names[: count // each]]
            hands = [[batch for node in batches[hand::HANDS] for batch in node] for hand in range(HANDS)]
            many.append(_brought(service, hands, each * len(batches)))
        rows += _rows(size, *(Spread(tuple(figures[1:])) for figures in (bare, one, many)))
    return rows


def _rows(size: int, bare: Spread, one: Spread, many: Spread) -> list[Row]:
    told = [Row(f"bare insert, batches of {size}", bare.shown(0), "events/s")]
    for what, figure in (("one node", one), ("many nodes", many)):
        ratio = figure.over(bare)
        gate = (f"≥ {LEAST}", ratio.median >= LEAST)
        told.append(
            Row(
                f"taken from {what}, batches of {size}", figure.shown(0), "events/s", f"{ratio.shown(2)} of bare", *gate
            )
        )
    return told


def _events(size: int, count: int, epoch: int) -> Iterator[list[Submission]]:
    for first in range(1, count + 1, size):
        yield [
            Submission(
                epoch,
                n,
                "org.example.thing",
                "thing",
                "default",
                Priority.NORMAL,
                time.time(),
                5.0,
                "b",
                True,
                {"text": TEXT},
            )
            for n in range(first, first + size)
        ]


def _requests(key: Any, node: str, size: int, count: int, epoch: int) -> list[Request]:
    made = []
    for number, batch in enumerate(_events(size, count, epoch)):
        body = gzip.compress(json.dumps([one.event(node) for one in batch]).encode(), 6)
        claims = signatures.claims(node, body, time.time(), epoch, number)
        made.append((body, jwt.encode(claims, key, signatures.ALGORITHM, {"kid": node})))
    return made


def _brought(service: Service, hands: list[list[Request]], count: int) -> float:
    before = _stored(service)
    with ThreadPoolExecutor(len(hands)) as pool:
        began = time.perf_counter()
        list(pool.map(lambda batches: _bring(service, batches), hands))
        speed = count / (time.perf_counter() - began)
    if (came := _stored(service) - before) != count:
        raise RuntimeError(f"Of {count} events {came} are stored.")
    return speed


def _bring(service: Service, batches: list[Request]) -> None:
    with requests.Session() as session:
        for body, token in batches:
            headers = {"Content-Type": MEDIA_TYPE, "Content-Encoding": "gzip", "Authorization": f"Bearer {token}"}
            answer = session.post(f"{service.public_url}/events", data=body, headers=headers, timeout=60)
            if answer.status_code != 202 or answer.json()["refused"]:
                raise RuntimeError(f"Events were not taken: {answer.status_code} {answer.text[:300]}")


def _stored(service: Service) -> int:
    with sqlite3.connect(service.folder / "cellar.db") as connection:
        return int(connection.execute("SELECT count(*) FROM event").fetchone()[0])


def _bare(cellar: Cellar, service: Service, size: int, count: int, epoch: int) -> float:
    with sqlite3.connect(service.folder / "cellar.db") as there:
        shape = [sql for (sql,) in there.execute(SHAPE)]
    with sqlite3.connect(cellar.folder / "bare-events.db") as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = full")
        if epoch == 1:
            for statement in shape:
                connection.execute(statement)
        batches = [[_row(one) for one in batch] for batch in _events(size, count, epoch)]
        began = time.perf_counter()
        for batch in batches:
            connection.executemany(f"INSERT INTO event VALUES (NULL{', ?' * 16})", batch)
            connection.commit()
        return count / (time.perf_counter() - began)


def _row(one: Submission) -> tuple[Any, ...]:
    data = json.dumps(one.data)
    place = ("bench", None, one.epoch, one.sequence, "submission", one.type, one.subject, one.stream, 2, 0)
    return (*place, one.at, one.mono, one.boot, one.is_synced, one.at, data)
