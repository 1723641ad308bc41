"""What things cost, as measured: the one place where `scale` has its figures from.

All are of the machine that bench/results.md names (2 cores, Python 3.11), and so are the dates: a figure that changes there
is to be changed here. ``_S`` is seconds of one worker process, which has one core to itself, or of whoever is named.
"""

from typing import NamedTuple

REQUEST_S = 2 / 114
"""One signed request with one event: 2 workers took 114 a second (ingest, many nodes, batches of 1; 2026-11-28 20:33).

The client had its share of the same cores, and the workers waited for each other's writes: it is rather too much.
"""
EVENT_S = 2 / 9520
"""Each event in it: 2 workers took 9,520 a second (ingest, many nodes, batches of 500; 2026-11-28 20:33)."""
SAMPLE_S = 2 / 6723
"""Each bot's figures in it: 2 workers took 6,723 a second (series, SQLite, by HTTP; 2026-11-28 18:56)."""
QUESTION_S = 2 / 1633
"""A question that is answered from one ready row. Measured is the pillar of one of 10,000 nodes (pillar; 2026-11-28 18:56);
what a node asks for (configuration, bundle, upgrade) was not, and is of that kind."""


class Writer(NamedTuple):
    """How long one batch keeps all other writers out: so long, and so much longer for each event."""

    batch_s: float
    event_s: float

    def held(self, events: int) -> float:
        """Seconds for a batch of so many."""
        return self.batch_s + events * self.event_s


WRITERS = {"SQLite": Writer(0.0045, 0.00015), "PostgreSQL": Writer(0.0045, 0.00015)}
"""SQLite: the quickest of 200 batches of 1, and of 5 of 200 (writer; 2026-11-29 00:08, at the lowest priority beside the
whole tests, which had the median at five times that). PostgreSQL was not measured: it is taken for as quick."""
HEALTH_BYTES = {"SQLite": 655}
"""A health report of one bot in the table of events, with its indexes (writer; 2026-11-29 00:08)."""
FORGOTTEN_PER_S = {"SQLite": 11_766}
"""Events that retention removes (writer; 2026-11-29 00:08, likewise)."""
BOT_BYTES = {"SQLite": 1.73 * 2**30 / 1000, "PostgreSQL": 4.19 * 2**30 / 1000}
"""Samples and buckets of a bot whose year is full (series; 2026-11-28 18:56)."""

WORKER_BYTES = 81.8 * 2**20
"""RSS of one worker of the public app, after use (memory; 2026-11-28 20:33)."""

BEACONS_PER_S = 663
"""Events of beacons that a master's bus carried (facts of 2026-11, two cores; no benchmark here repeats it)."""
COMPILED_PER_S = 1000 / (30.7 + 3.0)
"""Pillars that one process of a master compiles (compile; 2026-11-24, on a machine about three times as fast)."""
PUBLISHED_PER_S = 1000 / 14.9
"""Calls that one warm client publishes, one after the other (job; 2026-11-28 20:41)."""
BROADCAST_PER_S = 571
"""Parts of a job for 100 nodes from asked for to done, without Salt (queue; 2026-11-28 18:56)."""
DESCRIPTORS_A_MINION = 4
"""Salt warns when its accepted keys times this are more than the open files it may have (salt.utils.verify,
check_max_open_files, 3008.3); its documentation says at least one: ref/configuration/master.html#max-open-files."""
