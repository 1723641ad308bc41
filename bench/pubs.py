"""As many pubs as one node holds.

Pubs are poured onto one node in steps, up to ``BENCH_PUBS`` (100 if it is not set), or until less than 2 GiB of the
machine's memory are left. At each step, after 30 s in which nobody asks for anything: what each pub takes (the PSS of
its processes, and its cgroup's usage without the page cache), what of the machine's memory is still to be had, and how
busy the processors are with the pubs' health checks and our beacon. Then three more pubs are poured one after the
other, each from ``POST /agents`` until it answers on its control socket; and three pubs are stopped (SIGSTOP) one after
the other, each until the service shows it as ``sick``. The figures are drawn in docs/pubs.svg.
"""

import os
import signal
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from daemons import until

from bench import pubs_drawn
from bench.alive import until_answering
from bench.cellar import Cellar
from bench.report import Row

STEPS = (10, 25, 50, 75, 100)
FURTHER = 50
LEAST_LEFT = 2 << 30
IDLE_S = 30
TRIES = 3
MIB = 2**20


@dataclass(frozen=True)
class Step:
    """What was measured with so many pubs. Memory in MiB, times in seconds, ``busy`` from 0 to 1 of all cores."""

    pubs: int
    pss: float
    own: float
    left: float
    busy: float
    starts: list[float]
    delays: list[float]


def steps(most: int) -> Iterator[int]:
    """The numbers of pubs of the steps; the last is ``most``."""
    known = [*STEPS, *range(STEPS[-1] + FURTHER, most, FURTHER)]
    yield from [size for size in known if size < most]
    yield most


def measure(cellar: Cellar) -> list[Row]:
    """Measure memory, start time and health delay as the number of pubs grows; a last row says why it ended early."""
    found: list[Step] = []
    end = _grow(cellar, int(os.environ.get("BENCH_PUBS", "100")), found)
    if not found:
        raise RuntimeError(end)
    pubs_drawn.draw(found)
    return [row for step in found for row in _rows(step)] + ([Row("no further", "", "", end)] if end else [])


def _grow(cellar: Cellar, most: int, found: list[Step]) -> str:
    """Pour and measure step by step; returns why it ended early, or an empty text."""
    poured: list[dict[str, Any]] = []
    for size in steps(most):
        if psutil.virtual_memory().available < LEAST_LEFT:
            return f"with {len(poured)} pubs less than {LEAST_LEFT >> 30} GiB are left"
        try:
            _pour(cellar, poured, size)
            found.append(_step(cellar, poured))
        except (RuntimeError, TimeoutError, AssertionError) as error:
            return f"on the way from {len(poured)} to {size} pubs: {error}"
        print(f"  {found[-1]}", flush=True)
    return ""


def _pour(cellar: Cellar, poured: list[dict[str, Any]], size: int) -> None:
    """Ask for all missing pubs at once, and wait until they are alive."""
    asked = [cellar.create(f"pubs-{number}") for number in range(len(poured), size)]
    for one in asked:
        cellar.done(one["job"], 1800)
    poured += [one["agent"] for one in asked]
    until_answering([cellar.data(agent["id"]) for agent in poured])


def _step(cellar: Cellar, poured: list[dict[str, Any]]) -> Step:
    time.sleep(IDLE_S)
    psutil.cpu_percent()
    time.sleep(IDLE_S)
    busy, count = psutil.cpu_percent() / 100, len(poured)
    taken = [_taken(cellar, agent) for agent in poured]
    left = psutil.virtual_memory().available / MIB
    delays = [_delay(cellar, agent) for agent in poured[:TRIES]]
    starts = [_start(cellar, poured) for _ in range(TRIES)]
    pss, own = (statistics.median(each) for each in zip(*taken, strict=True))
    return Step(count, pss, own, left, busy, starts, delays)


def _container(cellar: Cellar, agent: dict[str, Any]) -> Any:
    return cellar.engine.containers.get(f"{agent['name']}-{agent['id']}")


def _taken(cellar: Cellar, agent: dict[str, Any]) -> tuple[float, float]:
    """MiB of a pub: the PSS of its processes, and its cgroup's usage without the page cache."""
    container = _container(cellar, agent)
    first = psutil.Process(container.attrs["State"]["Pid"])
    pss = sum(one.memory_full_info().pss for one in [first, *first.children(recursive=True)])
    memory = container.client.api.stats(container.id, stream=False, one_shot=True)["memory_stats"]
    cached = memory["stats"].get("total_cache", memory["stats"].get("file", 0))
    return pss / MIB, (memory["usage"] - cached) / MIB


def _start(cellar: Cellar, poured: list[dict[str, Any]]) -> float:
    """Pour one more pub; returns the seconds until it answers."""
    began = time.perf_counter()
    asked = cellar.create(f"pubs-{len(poured)}")
    until_answering([cellar.data(asked["agent"]["id"])])
    took = time.perf_counter() - began
    cellar.done(asked["job"])
    poured.append(asked["agent"])
    return took


def _delay(cellar: Cellar, agent: dict[str, Any]) -> float:
    """Hang a pub, and let it go on afterwards; returns the seconds until the service shows it as sick."""

    def is_shown(actual: str) -> bool:
        return bool(cellar.client.agent(agent["id"])["actual"] == actual)

    first = _container(cellar, agent).attrs["State"]["Pid"]
    pub = int(Path(f"/proc/{first}/task/{first}/children").read_text().split()[0])
    until(lambda: is_shown("alive"), 120, f"{agent['name']} is alive")
    began = time.perf_counter()
    os.kill(pub, signal.SIGSTOP)
    try:
        until(lambda: is_shown("sick"), 300, f"{agent['name']} is shown as sick")
        return time.perf_counter() - began
    finally:
        os.kill(pub, signal.SIGCONT)


def _rows(step: Step) -> list[Row]:
    name = f"{step.pubs} pubs"
    return [
        Row(f"{name}, memory of each", f"{step.pss:.1f} / {step.own:.1f}", "MiB PSS / own"),
        Row(f"{name}, left of the machine", f"{step.left / 1024:.1f}", "GiB", f"processors {step.busy:.0%} busy"),
        Row(f"{name}, one more → it answers", _spread(step.starts), "s"),
        Row(f"{name}, it hangs → shown as sick", _spread(step.delays), "s"),
    ]


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
