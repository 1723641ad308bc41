"""Compiling a pillar with the master's own code.

``salt.pillar.Pillar(...).compile_pillar()`` with the shipped master configuration and this machine's grains, in one
process, past Salt's pillar cache, of one node of 10,000 after the other. Four ways take turns in random order for the
same node: no ext_pillar; ours for a node that it never saw (the body comes whole and is kept on disk with fsync: the
dearest case); ours again (answered 304); Salt's own postgres ext_pillar at its cheapest (one indexed query of a ready
JSONB body over a unix socket). Ours and postgres must give the same pillar, or the benchmark fails.
"""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import salt.config
import salt.loader
import salt.pillar
from salt_daemons import Master

from bench import postgres, seeds
from bench.cellar import Cellar
from bench.pillar import SMALL, serve
from bench.report import Row
from bench.spread import Spread

ROUNDS, WARM_UP = 150, 10
QUERY = {"query": "SELECT body FROM pillar WHERE node = %s", "as_json": True}
WAYS = ("empty", "ours, new", "ours, unchanged", "postgres")


def measure(cellar: Cellar) -> list[Row]:
    """Measure milliseconds that each way adds to an empty pillar."""
    with ExitStack() as stack:
        (folder := cellar.folder / "compile").mkdir()
        service = serve(stack, folder / "service", SMALL)
        options = stack.enter_context(postgres.cluster(folder / "postgres"))
        postgres.copy(options, seeds.bodies(service))
        master = Master(folder / "master", service.url, service.token_file)
        opts = salt.config.master_config(str(master.etc / "master"))
        ours = opts["ext_pillar"]
        theirs = {"ext_pillar": [{"postgres": [QUERY]}], "postgres": options}
        ways = {"empty": {"ext_pillar": []}, "ours, new": {"ext_pillar": ours}, "postgres": theirs}
        rounds = list(_rounds({way: {**opts, **more} for way, more in ways.items()}))
    return _rows({way: Spread(tuple(one[way] for one in rounds[WARM_UP:])) for way in WAYS})


def _rounds(ways: dict[str, dict[str, Any]]) -> Iterator[dict[str, float]]:
    grains = salt.loader.grains(salt.config.minion_config(None))
    numbers = random.sample(range(SMALL), ROUNDS + WARM_UP)
    for number in numbers:
        node = seeds.name(number)
        order = random.sample([*ways, "ours, unchanged"], len(ways) + 1)
        # Of the two, the first one to come is the one with something new.
        first, second = sorted((order.index("ours, new"), order.index("ours, unchanged")))
        order[first], order[second] = "ours, new", "ours, unchanged"
        took, told = {}, {}
        for way in order:
            opts = ways.get(way, ways["ours, new"])
            began = time.perf_counter()
            told[way] = salt.pillar.Pillar(opts, grains, node, "base").compile_pillar()
            took[way] = (time.perf_counter() - began) * 1000
        if told["empty"] or not told["postgres"] == told["ours, new"] == told["ours, unchanged"] != {}:
            raise RuntimeError(f"The pillars of {node} differ: {told}")
        yield took


def _rows(found: dict[str, Spread]) -> list[Row]:
    empty, postgres_adds = found["empty"], found["postgres"].less(found["empty"])
    rows = [Row("no ext_pillar", empty.shown(), "ms")]
    for way in ("ours, new", "ours, unchanged"):
        adds = found[way].less(empty)
        ratio = f"{found[way].over(found['postgres']).shown(2)} of postgres"
        rows.append(Row(f"{way}: adds", adds.shown(), "ms", "", "≤ 5 ms", adds.median <= 5))
        rows.append(Row("", "", "", ratio, "≤ postgres", adds.median <= postgres_adds.median))
    return [*rows, Row("Salt's postgres: adds", postgres_adds.shown(), "ms")]
