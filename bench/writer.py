"""How long one batch of a node keeps every other writer out, what its events take on the disk, and how fast they go again.

A transaction of events waits for any other one, on PostgreSQL too, however many workers there are: what is given here bounds
them all together. Health reports of one bot each, as a node tells them, alone and 200 at once (what waits after an hour fits
into two such requests), are taken by the use case in one process with nobody beside it: reading them, which is done before
the turn to write, is in it, so that it is rather too much. Bytes: the table of events with its indexes. Forgotten: by
`salt-run meeseeks.forget`'s use case, 1,000 in a transaction.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from bench import TOP, postgres, telling
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.bots import health
from pillar_service.core.durations import DAY_S
from pillar_service.core.events.submission import Priority, Submission
from pillar_service.store import database
from pillar_service.usecases.events import events
from pillar_service.usecases.service import retention, storage

NODES, SINGLE, MANY, EVERY_S, LARGE = 20, 10, 200, 15, 5
SIZES = {
    True: "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'event%' AND name NOT LIKE 'event_epoch%'",
    False: "SELECT pg_total_relation_size('event')",
}


def measure(cellar: Cellar) -> list[Row]:
    """Measure milliseconds, bytes and events per second, on both databases."""
    (folder := cellar.folder / "writer").mkdir()
    rows = _on("SQLite", f"sqlite:///{folder}/cellar.db", folder)
    with postgres.cluster(folder / "postgres") as options:
        server = f"postgresql://{options['user']}@/{options['db']}?host={options['host']}&port={options['port']}"
        return rows + _on("PostgreSQL", server, folder)


def _on(called: str, url: str, folder: Path) -> list[Row]:
    environment = {
        "CELLAR_DATABASE": url,
        "CELLAR_FILES": str(folder / "files"),
        "CELLAR_SECRET_KEY": "not-a-secret-" * 4,
    }
    command = [sys.executable, "-m", "bench.writer"]
    done = subprocess.run(command, env=os.environ | environment, cwd=TOP, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    one, many = (Spread(tuple(told[name])) for name in ("one", "many"))
    return [
        Row(f"{called}: a batch of 1", one.in_ms(), "ms", f"at most {1 / one.median:,.0f} batches/s"),
        Row(f"{called}: a batch of {MANY}", many.in_ms(), "ms", f"at most {MANY / many.median:,.0f} events/s"),
        Row(f"{called}: a health report kept", f"{told['bytes']:,.0f}", "bytes"),
        Row(f"{called}: forgotten", f"{told['forgotten']:,.0f}", "events/s"),
    ]


def told() -> dict[str, object]:
    """Measure the database that the settings name."""
    storage.prepare()
    storage.migrate()
    bots = {f"node-{n}": telling.bots(f"node-{n}", 1)[0] for n in range(NODES)}
    for node, bot in bots.items():
        _take(node, bot, 1, 1)  # what is done only for the first batch
    one = [_take(node, bot, 2 + n, 1) for n in range(SINGLE) for node, bot in bots.items()]
    many = [_take(node, bot, 2 + SINGLE, MANY) for node, bot in list(bots.items())[:LARGE]]
    kept = NODES * (1 + SINGLE) + LARGE * MANY
    size = database.db.execute_sql(SIZES[database.on_sqlite()]).fetchone()[0]
    return {"one": one, "many": many, "bytes": int(size) / kept, "forgotten": _forgotten()}


def _take(node: str, bot: str, first: int, count: int) -> float:
    start = time.time() - 4 * 3600
    batch = [_report(node, bot, first + n, start + (first + n) * EVERY_S) for n in range(count)]
    began = time.perf_counter()
    answer = events.take(node, batch)
    took = time.perf_counter() - began
    if len(answer["accepted"]) != count or answer["refused"]:
        raise RuntimeError(f"Reports were not taken: {answer['refused'][:1]}")
    return took


def _report(node: str, bot: str, sequence: int, at: float) -> dict[str, object]:
    data = {"node": {"docker": True, "error": None, "unlisted": []}, "bots": [telling.report(bot, int(at), 1)]}
    place = (health.EVENT_TYPE, node, "health", Priority.LOW, at, 5.0, "b" * 36, True)
    return Submission(1, sequence, *place, data).event(node)


def _forgotten() -> float:
    """Forget all events, after making them older than they are kept; returns events per second."""
    with database.transaction():
        database.db.execute_sql(f"UPDATE event SET received_at = {time.time() - 400 * DAY_S}")
    began = time.perf_counter()
    return retention.forget("bench")["events"] / (time.perf_counter() - began)


if __name__ == "__main__":
    print(json.dumps(told()))
