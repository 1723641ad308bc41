"""From "I want a bot" to a pub that lives.

The clock of both starts with the command or request and stops when ``GET /info`` is answered on the pub's control
socket, which is looked for every 20 ms. Ours is ``POST /agents`` of the private app, as the runner ``bots.create``
sends it: the service, the dispatcher, a whole ``state.apply pubs`` over a real master and minion. The other is the
command ``docker run`` of the same image with the same limits, its directory and configuration made beforehand within
the same clock. They take turns; each bot is removed, data and all, before the next. A second clock runs until the job
is seen to have succeeded by who asked.
"""

import time

from bench import plain
from bench.alive import until_answering
from bench.cellar import Cellar
from bench.report import Row
from bench.spread import Spread

ROUNDS = 7


def measure(cellar: Cellar) -> list[Row]:
    """Measure seconds until a pub is alive, by us and by docker run."""
    assert cellar.minion
    took: dict[str, list[float]] = {"alive": [], "told": [], "docker": []}
    with plain.pubs(cellar, "create") as pubs:
        for number in range(ROUNDS):
            if number % 2:
                took["docker"].append(_docker(pubs))
            alive, told = _ours(cellar, f"bench-{number}")
            if not number % 2:
                took["docker"].append(_docker(pubs))
            took["alive"].append(alive)
            took["told"].append(told)
    return _rows({name: Spread(tuple(seconds)) for name, seconds in took.items()})


def _ours(cellar: Cellar, name: str) -> tuple[float, float]:
    began = time.perf_counter()
    asked = cellar.create(name)
    until_answering([cellar.data(asked["agent"]["id"])])
    alive = time.perf_counter() - began
    cellar.done(asked["job"])
    told = time.perf_counter() - began
    cellar.delete([asked["agent"]["id"]])
    return alive, told


def _docker(pubs: plain.Pubs) -> float:
    began = time.perf_counter()
    until_answering([pubs.run()])
    took = time.perf_counter() - began
    pubs.clear()
    return took


def _rows(took: dict[str, Spread]) -> list[Row]:
    rows = [Row("docker run → answers", took["docker"].shown(2), "s")]
    for what, name in (("bots.create → answers", "alive"), ("bots.create → job seen to have succeeded", "told")):
        more = took[name].less(took["docker"])
        rows.append(Row(what, took[name].shown(2), "s", f"{more.shown(2)} s more", "≤ 3 s more", more.median <= 3))
    return rows
