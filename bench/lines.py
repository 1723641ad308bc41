"""Lines of output: stored as they come, and shown.

Two nodes, each with its own signed token and one connection, bring 20,000 lines of 60 characters of one job each to the
public app as shipped (gunicorn, its default workers, SQLite with synchronous=FULL), 500 in a request as the executor
sends them. The clock runs until the last batch is answered, which is after its commit; every line must be in the table
at the end. Shown: the private app's answer to `salt-run meeseeks.logs`, 1,000 lines a time, until all 20,000 were read.
Bare is `executemany` of the same rows into a table of that shape, one commit for each 500.
"""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from daemons import Service

from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.people import tokens
from pillar_service.master.client import Client

ROUNDS, LINES, BATCH, NODES, LEAST_PER_S = 5, 20_000, 500, ("lines-1", "lines-2"), 10_000
TEXT = "The quick brown fox jumps over the lazy dog, time and again."


def measure(cellar: Cellar) -> list[Row]:
    """Measure lines per second, stored and shown."""
    service = cellar.new_service("lines")
    for node in NODES:
        service.manage("node-add", node)
    client = Client(service.url, str(service.token_file), actor="bench")
    stored, bare, shown = [], [], []
    with ThreadPoolExecutor(len(NODES)) as pool:
        for number in range(ROUNDS + 1):
            jobs = {node: _begun(service, client, node) for node in NODES}
            began = time.perf_counter()
            list(pool.map(lambda node, jobs=jobs: _bring(service, node, jobs[node]), NODES))
            stored.append(LINES * len(NODES) / (time.perf_counter() - began))
            bare.append(_bare(cellar, number))
            shown.append(_read(client, jobs[NODES[0]]))
            _end(client)
    ours, plain, read = (Spread(tuple(figures[1:])) for figures in (stored, bare, shown))  # the first round warms up
    ratio = f"{ours.over(plain).shown(2)} of bare"
    return [
        Row("bare executemany", plain.shown(0), "lines/s"),
        Row("stored by HTTP", ours.shown(0), "lines/s", ratio, f"≥ {LEAST_PER_S:,}", ours.median >= LEAST_PER_S),
        Row("shown by HTTP", read.shown(0), "lines/s", "", f"≥ {LEAST_PER_S:,}", read.median >= LEAST_PER_S),
    ]


def _begun(service: Service, client: Client, node: str) -> str:
    """Start a job on its node; returns its id."""
    job = client.run({"command": "count", "arguments": {}, "selector": f"node={node}"})["id"]
    runs, _ = client.claim("test-master", wait=5)
    for run in runs:
        client.started(run["id"], f"jid-{run['id']}")
    _door(service, node, f"/jobs/{job}/begin", {"attempt": 1})
    return str(job)


def _end(client: Client) -> None:
    """End what runs, so that the nodes have room."""
    for run in client.runs("test-master"):
        told = {"jid": run["jid"], "node": run["node"], "return": {"state": "done"}, "success": True, "retcode": 0}
        client.result(run["id"], told)


def _door(service: Service, node: str, path: str, body: dict[str, Any], session: requests.Session | None = None) -> Any:
    token = tokens.node_token(service.environment["CELLAR_SECRET_KEY"], node)
    headers = {"Authorization": f"Bearer {token}"}
    answer = (session or requests).post(f"{service.public_url}{path}", json=body, headers=headers, timeout=60)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was not taken: {answer.status_code} {answer.text[:300]}")
    return answer.json()


def _bring(service: Service, node: str, job: str) -> None:
    with requests.Session() as session:
        for first in range(1, LINES, BATCH):
            lines = [{"n": n, "stream": "stdout", "text": f"{n} {TEXT}"} for n in range(first, first + BATCH)]
            told = _door(service, node, f"/jobs/{job}/lines", {"attempt": 1, "lines": lines}, session)
            if told["taken"] != first + BATCH - 1:
                raise RuntimeError(f"Of {first + BATCH - 1} lines {told['taken']} were taken.")


def _bare(cellar: Cellar, number: int) -> float:
    rows = [(f"job-{number}", n, str(n), f"{n} {TEXT}", 0.0, "stdout") for n in range(LINES * len(NODES))]
    with sqlite3.connect(cellar.folder / "bare-lines.db") as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = full")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bare (job TEXT, n INTEGER, key TEXT, text TEXT, at REAL, stream TEXT, "
            "PRIMARY KEY (job, n), UNIQUE (job, key))"
        )
        began = time.perf_counter()
        for first in range(0, len(rows), BATCH):
            connection.executemany("INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?)", rows[first : first + BATCH])
            connection.commit()
        return len(rows) / (time.perf_counter() - began)


def _read(client: Client, job: str) -> float:
    began, after, read = time.perf_counter(), 0, 0
    while page := client.command_job(job, after=after)["lines"]:
        read, after = read + len(page), page[-1]["n"]
    if read != LINES:
        raise RuntimeError(f"Of {LINES} lines {read} were shown.")
    return read / (time.perf_counter() - began)
