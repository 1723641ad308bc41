"""Samples in, samples kept, samples shown.

In: two nodes, each with 50 bots and its own signed token, send `POST /events` to the public app as shipped (gunicorn,
its default workers) over one connection each: batches of 1,000 CloudEvents with one report in each, made beforehand.
The clock runs until the last batch is answered, which is after its commit; every event must be accepted, and every row
is counted at the end. Bare is one process that writes the same rows into a table of the same shape in the same
database: one `executemany` and one commit for each 1,000, no HTTP, no checks, no buckets. They take turns.

Kept: 20 bots with 48 h of samples each 15 s, 30 days of five minutes and a year of hours, written in the order of
time; the size of both tables with their keys, times 50. A bucket is written once here; PostgreSQL, which keeps old
versions of a row until they are vacuumed, holds a few more while it runs.

Shown: `series.of` for 30 days of each of those bots, in this process.
"""

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import requests
from daemons import Service, running

from bench import postgres, telling
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.bots.series import HOUR, KEPT_S, RAW_KEPT_S, Sample, Span
from pillar_service.core.people import tokens
from pillar_service.store import database
from pillar_service.store.bots import samples
from pillar_service.usecases.bots import series

ROUNDS, BATCHES, NODES = 5, 10, ("node-1", "node-2")
KEPT_BOTS, ALL_BOTS = 20, 1000
COLUMNS = ("bot", *Sample._fields)
SMALL = ("memory", "peers", "restarts")
TABLE = (
    f"CREATE TABLE bare ({', '.join(f'{name} INTEGER' if name in SMALL else f'{name} BIGINT' for name in COLUMNS)}, "
    "PRIMARY KEY (bot, at))"
)


def measure(cellar: Cellar) -> list[Row]:
    """Measure samples per second, bytes and milliseconds, on both databases."""
    rows = []
    with ExitStack() as stack:
        (folder := cellar.folder / "series").mkdir()
        options = stack.enter_context(postgres.cluster(folder / "postgres"))
        server = f"postgresql://{options['user']}@/{options['db']}?host={options['host']}&port={options['port']}"
        for called, url in (("SQLite", f"sqlite:///{folder}/cellar.db"), ("PostgreSQL", server)):
            rows += _on(called, url, cellar)
    return rows


def _on(called: str, url: str, cellar: Cellar) -> list[Row]:
    service = Service(cellar.folder / f"series-{called}")
    service.environment["CELLAR_DATABASE"] = url
    del service.environment["CELLAR_WORKERS"]  # the tests' single worker is not what is shipped
    with running(service):
        database.connect(url)
        try:
            bots = {node: telling.bots(node) for node in NODES}
            ours, bare = _taken_in(service, url, bots)
            size = _size(url)
            shown = _shown()
        finally:
            database.release()
    ratio = ours.over(bare)
    return [
        Row(f"{called}: bare executemany", bare.shown(0), "samples/s"),
        Row(
            f"{called}: taken in by HTTP",
            ours.shown(0),
            "samples/s",
            f"{ratio.shown(2)} of bare",
            "≥ 10,000",
            ours.median >= 10_000,
        ),
        Row(
            f"{called}: a year of {ALL_BOTS:,} bots",
            f"{size / 2**30:.2f}",
            "GiB",
            f"{size / ALL_BOTS / 2**20:.1f} MiB a bot",
        ),
        Row(f"{called}: 30 days of a bot, read", shown.in_ms(), "ms"),
    ]


def _taken_in(service: Service, url: str, bots: dict[str, list[str]]) -> tuple[Spread, Spread]:
    ours, bare, told = [], [], 0
    with ThreadPoolExecutor(len(NODES)) as pool, Bare(url) as table:
        for number in range(ROUNDS + 1):
            batches = {node: telling.batches(node, bots[node], number, BATCHES) for node in NODES}
            rows = [row for each in batches.values() for row in telling.rows(each)]
            bodies = {node: [json.dumps(batch).encode() for batch in each] for node, each in batches.items()}
            began = time.perf_counter()
            list(pool.map(lambda node, bodies=bodies: _send(service, node, bodies[node]), NODES))
            ours.append(len(rows) / (time.perf_counter() - began))
            bare.append(table.write(rows))
            told += len(rows)
    if (kept := samples.SampleRow.select().count()) != told:
        raise RuntimeError(f"{told} samples were accepted, {kept} are kept.")
    return Spread(tuple(ours[1:])), Spread(tuple(bare[1:]))  # the first round warms up


def _send(service: Service, node: str, bodies: list[bytes]) -> None:
    token = tokens.node_token(service.environment["CELLAR_SECRET_KEY"], node)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}
    with requests.Session() as session:
        for body in bodies:
            answer = session.post(f"{service.public_url}/events", data=body, headers=headers, timeout=60)
            if answer.status_code != 202 or answer.json()["refused"]:
                raise RuntimeError(f"A batch was not taken: {answer.status_code} {answer.text[:300]}")


class Bare:
    """The bare table in the same database."""

    def __init__(self, url: str) -> None:
        self.on_sqlite = url.startswith("sqlite:")
        self.connection: Any = (
            sqlite3.connect(url.removeprefix("sqlite:///")) if self.on_sqlite else psycopg.connect(url)
        )
        if self.on_sqlite:
            self.connection.execute("PRAGMA synchronous = full")

    def __enter__(self) -> "Bare":
        self.connection.execute(f"{TABLE} WITHOUT ROWID" if self.on_sqlite else TABLE)
        self.connection.commit()
        return self

    def write(self, rows: list[tuple[Any, ...]]) -> float:
        """Write rows; returns how many per second."""
        statement = f"INSERT INTO bare VALUES ({', '.join(['?' if self.on_sqlite else '%s'] * len(COLUMNS))})"
        began = time.perf_counter()
        for first in range(0, len(rows), 1000):
            self.connection.cursor().executemany(statement, rows[first : first + 1000])
            self.connection.commit()
        return len(rows) / (time.perf_counter() - began)

    def __exit__(self, *_raised: object) -> None:
        self.connection.close()


def _size(url: str) -> float:
    """The bytes that ALL_BOTS would take, computed from those that KEPT_BOTS take."""
    for table in (samples.SampleRow, samples.BucketRow):
        table.delete().execute()
    database.db.execute_sql("VACUUM" if database.on_sqlite() else "VACUUM FULL sample, bucket")
    before = _bytes()
    kept, now = telling.bots("kept", KEPT_BOTS), int(time.time())
    for begin in range(now - KEPT_S[HOUR], now, 10 * 86_400):
        _write(kept, range(max(begin, now - RAW_KEPT_S), min(begin + 10 * 86_400, now), 15), begin, now)
    return (_bytes() - before) * ALL_BOTS / KEPT_BOTS


def _write(kept: list[str], raw: range, begin: int, now: int) -> None:
    with database.transaction():
        for step, keeping in KEPT_S.items():
            at = range(max(begin, now - keeping), min(begin + 10 * 86_400, now), step)
            samples.merge(step, {bot: telling.buckets(n, at, step) for n, bot in enumerate(kept)})
        for first in raw[::240]:
            hour = range(first, min(first + 3600, now), 15)
            samples.add({bot: [telling.sample(n, moment) for moment in hour] for n, bot in enumerate(kept)})


def _bytes() -> int:
    if database.on_sqlite():
        database.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        [(pages,)], [(size,)] = (
            database.db.execute_sql(f"PRAGMA {name}").fetchall() for name in ("page_count", "page_size")
        )
        return int(pages * size)
    asked = "SELECT pg_total_relation_size('sample') + pg_total_relation_size('bucket')"
    return int(database.db.execute_sql(asked).fetchone()[0])


def _shown() -> Spread:
    took = []
    for bot in telling.known("kept"):
        for _ in range(5):
            began = time.perf_counter()
            told = series.of(bot, Span.MONTH, time.time())
            took.append(time.perf_counter() - began)
            if sum(value is not None for value in told["memory"]) < 350:
                raise RuntimeError("The 30 days are not all there.")
    return Spread(tuple(took))
