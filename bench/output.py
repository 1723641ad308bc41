"""A hundred megabytes of output of one command.

`flood` prints 1,400,000 lines of 74 bytes on a real node, asked for as operators do (``POST /meeseeks/run``); the clock
stops when the service shows that the job is over. The node keeps the head and the tail and counts what lies between; the
service must show exactly those, first and last line among them, or the benchmark fails. The executor is the process that
the minion forks for the job: what it has for itself (USS, every 50 ms, at its most) beside the minion's when it is idle.
The worker is that of the public app, through which the lines come (RSS at its most since it was started). Beside it the
same command whose output goes to a file.
"""

import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
from daemons import running
from salt_daemons import Master, Minion

from bench import processes, waiting_jobs
from bench.cellar import Cellar
from bench.processes import MIB
from bench.report import Row
from bench.spread import Spread
from pillar_service.core.jobs.jobs import OVER
from pillar_service.master.client import Client
from pillar_service.node.executor.output import HEAD_LINES, TAIL_LINES

ROUNDS, LINES, NODE = 3, 1_400_000, "bench-output"
LINE = "line %08.0f " + "x" * 60
KEPT = HEAD_LINES + 1 + TAIL_LINES
EXECUTOR_MOST, WORKER_MOST = 50e6, 90e6


def measure(cellar: Cellar) -> list[Row]:
    """Measure seconds until the job is over, the most memory used, and what is kept."""
    with ExitStack() as stack:
        service = cellar.new_service("output", waiting_jobs.catalogue())
        service.manage("node-add", NODE)
        client = Client(service.url, str(service.token_file), actor="bench")
        master = stack.enter_context(running(Master(service.folder / "m", service.url, service.token_file)))
        minion = stack.enter_context(running(Minion(service.folder / "n", NODE, master)))
        minion.wait()
        master.salt(NODE, "saltutil.sync_all")
        took, plain, executor = [], [], []
        for _ in range(ROUNDS):
            with Watch(minion) as watch:
                took.append(_flood(client))
            executor.append(watch.most / MIB)
            plain.append(_to_file(service.folder / "plain"))
        worker = max(_most_rss(process) for process in processes.of(service.apps["public"])[1:])
    return _rows(Spread(tuple(took)), Spread(tuple(plain)), Spread(tuple(executor)), worker)


class Watch(threading.Thread):
    """Watches the processes that the minion starts, and records the most memory (USS) that one of them had."""

    def __init__(self, minion: Minion) -> None:
        super().__init__(daemon=True)
        self.minion, self.most, self.ended = minion, 0.0, threading.Event()
        self.before = set(processes.of(minion))

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()

    def run(self) -> None:
        """Look until the end."""
        while not self.ended.wait(0.05):
            for process in set(processes.of(self.minion)) - self.before:
                with suppress(psutil.Error):
                    self.most = max(self.most, process.memory_full_info().uss)


def _flood(client: Client) -> float:
    began = time.perf_counter()
    job = client.run({"command": "flood", "arguments": {"to": LINES}, "selector": f"node={NODE}"})
    while (told := client.command_job(job["id"], after=KEPT, wait=25))["job"]["state"] not in OVER:
        pass
    took = time.perf_counter() - began
    _check(client, told["job"])
    return took


def _check(client: Client, job: dict[str, Any]) -> None:
    first = client.command_job(job["id"])["lines"][0]["text"]
    last = client.command_job(job["id"], after=KEPT - 1)["lines"]
    kept = [first, *(line["text"] for line in last)]
    if job["state"] != "succeeded" or kept != [LINE % 1, LINE % LINES]:
        raise RuntimeError(f"{KEPT} lines should be kept, the last being the last one said: {job} {kept}")


def _to_file(file: Path) -> float:
    began = time.perf_counter()
    with file.open("wb") as opened:
        subprocess.run(["seq", "-f", LINE, str(LINES)], stdout=opened, check=True)
    took = time.perf_counter() - began
    file.unlink()
    return took


def _most_rss(process: psutil.Process) -> float:
    told = Path(f"/proc/{process.pid}/status").read_text().partition("VmHWM:")[2]
    return int(told.split()[0]) * 1024


def _rows(took: Spread, plain: Spread, executor: Spread, worker: float) -> list[Row]:
    megabytes = LINES * len(LINE % 1 + "\n") / 1e6
    return [
        Row("asked → the job is over", took.shown(), "s", f"{took.over(plain).shown()} of the file"),
        Row("said", f"{megabytes / took.median:,.1f}", "MB/s"),
        Row("the same into a file", plain.shown(), "s"),
        Row("lines kept / left out", f"{KEPT:,} / {LINES - KEPT + 1:,}", "lines"),
        _memory("the executor at its most", executor.shown(), "MiB USS", max(executor.rounds) * MIB, EXECUTOR_MOST),
        _memory("the service's worker at its most", f"{worker / MIB:.1f}", "MiB RSS", worker, WORKER_MOST),
    ]


def _memory(what: str, figure: str, unit: str, taken: float, most: float) -> Row:
    return Row(what, figure, unit, "", f"< {most / 1e6:.0f} MB", taken < most)
