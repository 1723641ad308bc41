"""Events taken: from a node's signed request to the answer, which is after the commit.

Events with 512 bytes of data, in batches of 1, 10 and 500, packed by gzip and signed with a 2,048-bit key beforehand,
brought over one connection to the public app as shipped (gunicorn, its default workers, SQLite with synchronous=FULL), by
one node and by 100 (four connections, a batch of each node in turn). Every event must be in the table at the end. Bare is
`executemany` of the same rows into a table of the same shape with the same indexes, one commit for each batch.

So a batch of 1 or 10 is a request beside one insert. What a request costs where nothing is done with it is told, too: gunicorn
and Flask alone, which read a body of that size and answer, asked by the same client over one connection. And where the
processor time of a request goes, part by part, in one process with nobody beside it (bench/parts.py).
"""

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from daemons import Service

from bench import parts, pillar, submitting
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.events.submission import MEDIA_TYPE, Submission

ROUNDS, SIZES, NODES, HANDS, LEAST = 3, {1: 300, 10: 2000, 500: 20_000}, 100, 4, 0.5
ASKED = 300

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
    """Measure events per second from one node and from many, and bare inserts."""
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
            one.append(_brought(service, [submitting.requests(key, names[0], size, count, epoch)], count))
            each = count // NODES if count >= NODES * size else size
            epoch += 1
            batches = [[*submitting.requests(key, name, size, each, epoch)] for name in names[: count // each]]
            hands = [[batch for node in batches[hand::HANDS] for batch in node] for hand in range(HANDS)]
            many.append(_brought(service, hands, each * len(batches)))
        rows += _rows(size, *(Spread(tuple(figures[1:])) for figures in (bare, one, many)))
    rows += [
        _bare_request(cellar, service, submitting.requests(key, names[0], size, size, epoch)[0], size) for size in SIZES
    ]
    return rows + parts.measure(cellar.folder / "ingest-parts")


def _bare_request(cellar: Cellar, service: Service, request: submitting.Request, size: int) -> Row:
    with pillar.bare(service, cellar.folder / f"bare-door-{size}", "/healthz", "bare_door") as url:
        took = [_speed(url, [request] * ASKED) for _ in range(ROUNDS + 1)]
    per_s = Spread(tuple(took[1:]))
    return Row(f"gunicorn and Flask alone, {len(request[0]):,} bytes", per_s.shown(0), "requests/s")


def _speed(url: str, asked: list[submitting.Request]) -> float:
    began = time.perf_counter()
    _bring(url, asked)
    return len(asked) / (time.perf_counter() - began)


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


def _brought(service: Service, hands: list[list[submitting.Request]], count: int) -> float:
    before = _stored(service)
    with ThreadPoolExecutor(len(hands)) as pool:
        began = time.perf_counter()
        list(pool.map(lambda batches: _bring(service.public_url, batches), hands))
        speed = count / (time.perf_counter() - began)
    if (came := _stored(service) - before) != count:
        raise RuntimeError(f"Of {count} events {came} are stored.")
    return speed


def _bring(url: str, batches: list[submitting.Request]) -> None:
    with requests.Session() as session:
        for body, token in batches:
            headers = {"Content-Type": MEDIA_TYPE, "Content-Encoding": "gzip", "Authorization": f"Bearer {token}"}
            answer = session.post(f"{url}/events", data=body, headers=headers, timeout=60)
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
        batches = [[_row(one) for one in batch] for batch in submitting.events(size, count, epoch)]
        began = time.perf_counter()
        for batch in batches:
            connection.executemany(f"INSERT INTO event VALUES (NULL{', ?' * 16})", batch)
            connection.commit()
        return count / (time.perf_counter() - began)


def _row(one: Submission) -> tuple[Any, ...]:
    data = json.dumps(one.data)
    place = ("bench", None, one.epoch, one.sequence, "submission", one.type, one.subject, one.stream, 2, 0)
    return (*place, one.at, one.mono, one.boot, one.is_synced, one.at, data)
