"""Thirty bots on one node.

From an empty node 1, 10 and 30 bots are asked for at once (that many ``POST /agents``, one right after the other)
until all answer on their control sockets and all jobs have succeeded; then ``state.apply pubs`` that must change
nothing, three times; then all are removed. Docker: that many ``docker run`` in a row, then waiting until all answer;
and, taking turns with our state.apply on the very same containers, for each a ``docker inspect``, compared with what
is wanted, and the same ``GET /info``. The sizes 1 and 10 are done twice, and all of ours and docker's take turns.
"More per bot" is what each further bot costs: (10 bots - 1 bot) / 9, then (30 bots - 10 bots) / 20; flat is the
second at most 1.25 times the first.
"""

import statistics
import time
from typing import Any

from bench import plain
from bench.alive import until_answering
from bench.cellar import Cellar, call, local_client
from bench.report import Row

SIZES = (1, 10, 30)
TURNS = (1, 10, 30, 1, 10)
CHECKS = 3
FLAT = 1.25

Took = dict[int, float]


def measure(cellar: Cellar) -> list[Row]:
    """Measure seconds for 1, 10 and 30 bots: to pour, to apply again, and by docker."""
    assert cellar.minion
    took: dict[str, dict[int, list[float]]] = {}
    with plain.pubs(cellar, "many") as pubs:
        for turn, size in enumerate(TURNS):
            for name, seconds in (_ours(cellar, turn, size) | {"docker run": [_docker(pubs, size)]}).items():
                took.setdefault(name, {}).setdefault(size, []).extend(seconds)
    return _rows(
        {name: {size: statistics.median(each) for size, each in found.items()} for name, found in took.items()}
    )


def _ours(cellar: Cellar, turn: int, size: int) -> dict[str, list[float]]:
    began = time.perf_counter()
    asked = [cellar.create(f"many-{turn}-{number}") for number in range(size)]
    agents = [one["agent"] for one in asked]
    until_answering([cellar.data(agent["id"]) for agent in agents])
    alive = time.perf_counter() - began
    for one in asked:
        cellar.done(one["job"])
    done = time.perf_counter() - began
    checks = [(_apply(cellar), _inspect(cellar, agents)) for _ in range(CHECKS)]
    began = time.perf_counter()
    cellar.delete([agent["id"] for agent in agents])
    gone = time.perf_counter() - began
    applied, inspected = ([check[which] for check in checks] for which in (0, 1))
    return {"pour": [alive], "done": [done], "apply": applied, "docker inspect": inspected, "delete": [gone]}


def _apply(cellar: Cellar) -> float:
    client = local_client(cellar.master)  # a client that has published hundreds of jobs misses new ones
    began = time.perf_counter()
    states = call(client, cellar.node, "state.apply", "pubs")
    took = time.perf_counter() - began
    if not isinstance(states, dict) or any(state["changes"] or not state["result"] for state in states.values()):
        raise RuntimeError(f"state.apply pubs was to change nothing: {states}")
    return took


def _inspect(cellar: Cellar, agents: list[dict[str, Any]]) -> float:
    began = time.perf_counter()
    for agent in agents:
        wanted = {
            "running": True,
            "image": agent["image"],
            "memory": agent["memory_mb"] << 20,
            "bot": agent["id"],
            "ports": [f"{agent['port']}/tcp"],
        }
        if not plain.is_as_wanted(f"{agent['name']}-{agent['id']}", wanted, cellar.data(agent["id"])):
            raise RuntimeError(f"{agent['name']} is not as it should be.")
    return time.perf_counter() - began


def _docker(pubs: plain.Pubs, size: int) -> float:
    began = time.perf_counter()
    until_answering([pubs.run() for _ in range(size)])
    took = time.perf_counter() - began
    pubs.clear()
    return took


def _rows(took: dict[str, Took]) -> list[Row]:
    pairs = {"pour": "docker run", "done": "docker run", "apply": "docker inspect"}
    names = {
        "pour": "asked for at once → all answer",
        "done": "asked for at once → all jobs succeeded",
        "apply": "state.apply pubs, no change",
        "docker run": "docker run in a row → all answer",
        "docker inspect": "docker inspect and compare",
        "delete": "deleted at once → all gone",
    }
    rows = []
    for name, what in names.items():
        seconds, less, more = took[name], *_more(took[name])
        beside = f"{seconds[30] / took[pairs[name]][30]:.2f} of docker; " if name in pairs else ""
        ratio = f"{beside}more per bot {less:.3f}, then {more:.3f} s: {more / less:.2f}"
        gate, met = (f"≤ {FLAT}", more / less <= FLAT) if name in pairs else ("", None)
        rows.append(Row(what, ", ".join(f"{seconds[size]:.2f}" for size in SIZES), "s (1, 10, 30)", ratio, gate, met))
    return rows


def _more(seconds: Took) -> tuple[float, float]:
    return (seconds[10] - seconds[1]) / 9, (seconds[30] - seconds[10]) / 20
