"""Machines let in: from the first question of `enrol.sh` to the answer that makes it a node, which is after the commit.

Each machine brings a key of its own (RSA, 3,072 bits, made beforehand) and a token of 50 uses to the public app as shipped
(gunicorn, its default workers, SQLite with synchronous=FULL), as the script does: it asks what the token is good for, then
redeems it, on a connection of its own; eight at a time. Each must be a node with an accepted key at the end. What a machine
does by itself meanwhile (Python, wheels, its key) is left out, and so is the master, which takes keys as they come.
"""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from daemons import MASTER_NAME, Service

from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread
from pillar_service.master.client import Client
from pillar_service.node.enrolment.keys import Key

ROUNDS, MACHINES, HANDS, USES = 3, 100, 8, 50
LEAST = 1000
"""Machines per minute: the figure that Machine Room gives for itself."""

PREPARE = f"""
import sys
from pillar_service.usecases.service import masters, storage
storage.prepare()
masters.tell("{MASTER_NAME}", "127.0.0.1", 1, 2, sys.argv[1])
"""


def measure(cellar: Cellar) -> list[Row]:
    """Measure machines per minute, and how long each waited."""
    service = cellar.new_service("enrol")
    keys = [Key.new() for _ in range(MACHINES)]
    service.python(PREPARE, keys[0].public)
    client = Client(service.url, str(service.token_file), actor="bench")
    speeds, waits = [], []
    for number in range(ROUNDS + 1):  # the first round warms up
        speed, waited = _round(service, client, keys, number)
        if number:
            speeds.append(speed)
            waits += waited
    speed = Spread(tuple(speeds))
    gate = (f"≥ {LEAST:,}", speed.median >= LEAST)
    told = Row(f"machines let in, {HANDS} at a time", speed.shown(0), "machines/min", "", *gate)
    return [told, Row("one machine, both questions", Spread(tuple(waits)).in_ms(), "ms")]


def _round(service: Service, client: Client, keys: list[Key], number: int) -> tuple[float, list[float]]:
    secrets = [str(client.enrolment_token({"uses": USES})["secret"]) for _ in range(MACHINES // USES)]
    before = _accepted(service)
    with ThreadPoolExecutor(HANDS) as pool:
        began = time.perf_counter()
        work = [(f"m-{number}-{n}", secrets[n // USES], key) for n, key in enumerate(keys)]
        waited = list(pool.map(lambda one: _let_in(service.public_url, *one), work))
        speed = 60 * MACHINES / (time.perf_counter() - began)
    if (came := _accepted(service) - before) != MACHINES:
        raise RuntimeError(f"Of {MACHINES} machines {came} are nodes.")
    return speed, waited


def _let_in(url: str, name: str, secret: str, key: Key) -> float:
    began = time.perf_counter()
    told = {"name": name, "public_key": key.public, "machine": {"hostname": name}}
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {secret}"
        for answer in (
            session.get(f"{url}/enrol/token", timeout=60),
            session.post(f"{url}/enrol", json=told, timeout=60),
        ):
            if answer.status_code != 200:
                raise RuntimeError(f"{name} was not let in: {answer.status_code} {answer.text[:300]}")
    return time.perf_counter() - began


def _accepted(service: Service) -> int:
    with sqlite3.connect(service.folder / "cellar.db") as connection:
        return int(connection.execute("SELECT count(*) FROM node WHERE key_state = 'accepted'").fetchone()[0])
