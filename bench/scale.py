"""What 1,000, 10,000 and 100,000 nodes need: a simulation at the costs measured.

Nothing is measured here: `fleet.py` lets nodes speak as the real code has them speak, by its own constants (health each 15 s,
facts, signs of life, configuration, bundles; batches, pace, back-off, splay), to a service whose requests take what
`costs.py` says, with where each figure is from. One bot on each node.

Nodes as they always are, for half a minute (100,000 for one heartbeat): how busy a worker and the database's one writer are,
and how long a request waits beyond its own time (p95). Then everything started at once after an hour in which the service
was away: how long until the last node has delivered what waited. "Writers that do not wait" is what the code does not do:
today a transaction of events waits for any other, on PostgreSQL too. docs/scale.md says what follows, and what is left out.
"""

import gc
from dataclasses import replace

from bench import costs
from bench.cellar import Cellar
from bench.fleet import Fleet, Run
from bench.report import Row
from pillar_service.core.durations import DAY_S
from pillar_service.core.events.events import Kind
from pillar_service.settings import texts
from pillar_service.usecases.service.retention import WORKS_S

SECONDS, AWAY_S, PATIENT_S, MANY = 30.0, 3600.0, 180.0, 100_000
SQLITE, POSTGRES = costs.WRITERS["SQLite"], costs.WRITERS["PostgreSQL"]

FLEETS = {
    "1,000 nodes, 2 workers, SQLite": Fleet(1_000, 2, SQLITE),
    "1,000 nodes, 4 workers, SQLite": Fleet(1_000, 4, SQLITE),
    "2,000 nodes, 32 workers, PostgreSQL": Fleet(2_000, 32, POSTGRES),
    "10,000 nodes, 20 workers, PostgreSQL": Fleet(10_000, 20, POSTGRES),
    "the same, health each 60 s": Fleet(10_000, 20, POSTGRES, heartbeat_s=60.0),
    "10,000 nodes, 20 workers, writers that do not wait": Fleet(10_000, 20, None),
    "the same with 6 workers, health each 60 s": Fleet(10_000, 6, None, heartbeat_s=60.0),
    "100,000 nodes, 200 workers, writers that do not wait": Fleet(MANY, 200, None),
}


def measure(_cellar: Cellar) -> list[Row]:
    """Compute how busy and late a service is, how soon an outage is over, what is kept, and what a master has to do."""
    gc.disable()  # nothing here makes reference cycles, and looking for them takes a third of the time
    try:
        return _rows()
    finally:
        gc.enable()


def _rows() -> list[Row]:
    rows = [_held("2 workers, SQLite", 2, SQLITE), _held("8 workers", 8, POSTGRES)]
    for what, fleet in FLEETS.items():
        rows += _speaking(what, fleet)
    return [*rows, *(row for nodes in (1_000, 10_000, MANY) for row in _kept(nodes)), *_master()]


def busy(run: Run) -> tuple[float, float]:
    """The shares of the time in which the workers, and the writer, were busy."""
    passed, service = run.clock.now, run.service
    return min(1.0, service.busy_s / run.fleet.workers / passed), min(1.0, service.held_s / passed)


def most(workers: int, writer: costs.Writer) -> int:
    """The most nodes, in hundreds, that a service can have: those with which an hour's outage is over in time."""
    low, high = 1, 33
    while high - low > 1:
        middle = (low + high) // 2
        over = Run(Fleet(middle * 100, workers, writer, away_s=AWAY_S)).drain(PATIENT_S)
        low, high = (middle, high) if over else (low, middle)
    return low * 100


def _held(what: str, workers: int, writer: costs.Writer) -> Row:
    told = f"an hour's outage is over within {PATIENT_S:g} s"
    return Row(f"{what}: at most", f"{most(workers, writer):,}", "nodes", told)


def _speaking(what: str, fleet: Fleet) -> list[Row]:
    run = Run(fleet)
    run.clock.go(SECONDS if fleet.nodes < MANY else fleet.heartbeat_s)
    workers, writer = busy(run)
    delays = sorted(run.service.delays)
    late = f"{delays[len(delays) * 95 // 100] * 1000:,.0f}"
    told = f"workers {workers:.0%}{f', writer {writer:.0%}' if fleet.writer else ''} busy"
    told += f"; they take {fleet.workers * costs.WORKER_BYTES / 2**30:.1f} GiB"
    row = Row(what, late, "ms late (p95)", told)
    return [row] if writer == 1 or fleet.nodes == MANY else [row, _drained(fleet)]


def _drained(fleet: Fleet) -> Row:
    run = Run(replace(fleet, away_s=AWAY_S))
    took = run.drain(PATIENT_S)
    figure = f"{took:,.0f}" if took else f"more than {PATIENT_S:,.0f}"
    return Row(
        "… after an hour away",
        figure,
        "s to drain",
        f"{run.failed:,} requests in vain, {run.doubled:,} events told twice",
    )


def _kept(nodes: int) -> list[Row]:
    fleet, days = Fleet(nodes, 1, None), texts.days("")[Kind.HEALTH]
    health, others = nodes * DAY_S / fleet.heartbeat_s, nodes * sum(DAY_S / every for every, _ in fleet.told[1:])
    rows = [Row(f"{nodes:,} nodes: events", f"{(health + others) / 1e6:,.1f}", "million a day")]
    for name, size in costs.HEALTH_BYTES.items():
        gib = (health * days * size + nodes * costs.BOT_BYTES[name]) / 2**30
        share = health / 24 / WORKS_S / costs.FORGOTTEN_PER_S[name]
        told = f"of the time for forgetting {share:.0%} is needed"
        rows.append(Row(f"… {name}: {days} days of health, a year of samples", f"{gib:,.0f}", "GiB", told))
    return rows


def _master() -> list[Row]:
    heartbeat = Fleet(1, 1, None).heartbeat_s
    return [
        Row("a master's bus, each health report once", f"{costs.BEACONS_PER_S * heartbeat:,.0f}", "minions at most"),
        Row("open files, Salt's default", f"{100_000 / costs.DESCRIPTORS_A_MINION:,.0f}", "minions at most"),
        Row("all pillars anew, 10,000 minions", f"{10_000 / costs.COMPILED_PER_S:,.0f}", "s of one process"),
        Row("a call to each of 10,000 apart, published", f"{10_000 / costs.PUBLISHED_PER_S:,.0f}", "s"),
        Row("a job on 10,000 nodes, the service's part", f"{10_000 / costs.BROADCAST_PER_S:,.0f}", "s"),
    ]
