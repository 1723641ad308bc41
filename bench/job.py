"""From a person's request to the publish.

The clock starts before ``POST /jobs`` is sent (``bots.logs`` of a real pub) and stops when the master's own
``salt/job/<jid>/new`` event for that call has arrived on its bus; in between are the service's transaction, the
dispatcher's claim, the jid written down, the publish. Beside it the same call of the same node by a warm
``LocalClient.pub`` and, every fifth round, by ``salt --async`` (from the start of the command), with the same end.
They take turns, with a random pause between them so that no poll is hit at a lucky moment; each waits until the one
before it is over.
"""

import random
import subprocess
import time
from collections.abc import Callable
from typing import Any

from daemons import until
from salt_daemons import BIN

from bench.bus import Bus
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread

ROUNDS, ASYNC_EVERY = 120, 5
PAUSE_S = (0.05, 0.15)


def _number(function: str, arguments: list[Any]) -> int | None:
    return int(arguments[-1]) if function == "pubs.logs" and arguments else None


def measure(cellar: Cellar) -> list[Row]:
    """Measure milliseconds from the request to the publish, for the three ways."""
    made = cellar.create("measured")
    cellar.done(made["job"])
    bot = made["agent"]["id"]
    with Bus(cellar.salt.opts, _number) as bus:
        took = _rounds(cellar, bot, bus)
    cellar.delete([bot])
    return _rows({way: Spread(tuple(seconds)) for way, seconds in took.items()})


def _rounds(cellar: Cellar, bot: str, bus: Bus) -> dict[str, list[float]]:
    """Run the rounds. Each call asks for its own number of lines (1 to 1000), by which the bus tells it from the others."""
    asking = ["salt", "-c", str(cellar.master.etc), "--async", cellar.node, "pubs.logs", bot]
    asking[0] = str(BIN / "salt")
    ways: dict[str, Callable[[int], Any]] = {
        "job": lambda lines: cellar.client.submit("bots.logs", bot, {"lines": lines}),
        "LocalClient": lambda lines: cellar.salt.pub([cellar.node], "pubs.logs", [bot, lines], tgt_type="list"),
        "salt --async": lambda lines: subprocess.run([*asking, str(lines)], check=True, capture_output=True),
    }
    took: dict[str, list[float]] = {way: [] for way in (*ways, "answered")}
    numbers = iter(range(1, 1001))
    for turn in range(ROUNDS):
        for way in random.sample([*ways][: 3 if turn % ASYNC_EVERY == 0 else 2], 3 if turn % ASYNC_EVERY == 0 else 2):
            time.sleep(random.uniform(*PAUSE_S))
            lines, began = next(numbers), time.perf_counter()
            asked = ways[way](lines)
            if way == "job":
                cellar.done(asked)
                took["answered"].append(time.perf_counter() - began)
            until(lambda lines=lines: lines in bus.returned, 30, f"{way} returns")
            took[way].append(bus.new[lines] - began)
    return took


def _rows(took: dict[str, Spread]) -> list[Row]:
    job, warm, command = took["job"], took["LocalClient"], took["salt --async"]
    p95 = job.percentile(95) * 1000
    every = Spread(job.rounds[::ASYNC_EVERY])
    return [
        Row("job: request → published", job.in_ms(), "ms", "", "p95 < 100 ms", p95 < 100),
        Row("warm LocalClient", warm.in_ms(), "ms", f"job takes {job.over(warm).shown(1)} times as long"),
        Row("salt --async", command.in_ms(), "ms", f"job takes {every.over(command).shown(2)} of it"),
        Row("job: request → its result seen by who asked", took["answered"].in_ms(), "ms"),
    ]
