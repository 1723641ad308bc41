"""The spool: events put durably, and brought to a door.

Puts: one process, events of 512 bytes, each on the disk before the next (SQLite, WAL, synchronous=FULL). Bare is one row of
the same bytes in a table of two columns, a commit for each, with the same pragmas. Drained: 10,000 such events, from the
spool as shipped (gzip, a token signed with a 2,048-bit key for each batch), without its cap on the pace, to the tests' own
strict end of the wire in another process, which verifies each request and keeps all in memory: what the node can do, not
the service. Every event must have arrived.
"""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.nodes.signatures import MINION_KEY
from pillar_service.node.delivery import Delivery
from pillar_service.node.paths import Home
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Spool
from pillar_service.node.told import Told

ROUNDS, PUTS, DRAINED, NODE = 5, 3000, 10_000, "cellar-9"
DATA = {"text": "x" * 500}


def measure(cellar: Cellar) -> list[Row]:
    """Measure puts per second beside bare inserts, and events drained per second."""
    ours, bare, drained = [], [], []
    for number in range(ROUNDS + 1):  # the first round warms up
        folder = cellar.folder / f"spool-{number}"
        spool = Spool(Home(folder))
        ours.append(_puts(spool))
        bare.append(_bare(folder))
        drained.append(_drain(folder, spool))
    put, plain, gone = (Spread(tuple(figures[1:])) for figures in (ours, bare, drained))
    return [
        Row("bare insert", plain.shown(0), "events/s"),
        Row("put", put.shown(0), "events/s", f"{put.over(plain).shown(2)} of bare"),
        Row("drained", gone.shown(0), "events/s"),
    ]


def _puts(spool: Spool) -> float:
    spool.put("org.example.thing", NODE, DATA)
    began = time.perf_counter()
    for _ in range(PUTS):
        spool.put("org.example.thing", NODE, DATA)
    return PUTS / (time.perf_counter() - began)


def _bare(folder: Path) -> float:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = full")
    connection.execute("CREATE TABLE bare (n INTEGER PRIMARY KEY, data TEXT)")
    began = time.perf_counter()
    for _ in range(PUTS):
        connection.execute("INSERT INTO bare (data) VALUES (?)", ("x" * 512,))
    speed = PUTS / (time.perf_counter() - began)
    connection.close()
    return speed


def _drain(folder: Path, spool: Spool) -> float:
    for _ in range(DRAINED - PUTS - 1):
        spool.put("org.example.thing", NODE, DATA)
    door = subprocess.Popen([sys.executable, "-m", "bench.spool_door", str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert door.stdout
        service = {"url": door.stdout.readline().strip(), "token": f"{NODE}:0", "auth": MINION_KEY}
        chances = iter([0.0])  # no other node reconnects at the same time
        delivery = Delivery(
            spool, lambda: Told(service=service), Signer(NODE, folder), chance=lambda: next(chances, 0.5)
        )
        began, now = time.perf_counter(), 0.0
        while spool.status()["waiting"]:
            delivery.run(now)
            now += 60.0
        return DRAINED / (time.perf_counter() - began)
    finally:
        door.terminate()
        door.wait()
