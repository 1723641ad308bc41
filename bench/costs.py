"""What things cost, as measured: the only source of the figures that `scale` uses.

All figures and dates are of the machine that bench/results.md names (2 cores, Python 3.11); a figure that changes there
must be changed here. ``_S`` is seconds of one worker process, which has one core to itself, or of whoever is named.
"""

from typing import NamedTuple

REQUEST_S = 2 / 114
"""One signed request with one event: 2 workers took 114 a second (ingest, many nodes, batches of 1; 2026-11-28 20:33).

The client had its share of the same cores, and the workers waited for each other's writes, so this is rather too high.
"""
EVENT_S = 2 / 9520
"""Each event in it: 2 workers took 9,520 a second (ingest, many nodes, batches of 500; 2026-11-28 20:33)."""
SAMPLE_S = 2 / 6723
"""Each bot's figures in it: 2 workers took 6,723 a second (series, SQLite, by HTTP; 2026-11-28 18:56)."""
QUESTION_S = 2 / 1633
"""A query that is answered from one ready row, measured as the pillar of one of 10,000 nodes (pillar; 2026-11-28 18:56).

What nodes ask for regularly (configuration, bundle, upgrade) was not measured, but is of the same kind.
"""


class Writer(NamedTuple):
    """How long one batch keeps all other writers waiting: a fixed time, and more for each event."""

    batch_s: float
    event_s: float

    def held(self, events: int) -> float:
        """Seconds for a batch of so many events."""
        return self.batch_s + events * self.event_s


WRITERS = {"SQLite": Writer(0.0045, 0.00015), "PostgreSQL": Writer(0.0045, 0.00015)}
"""How long batches hold the writer, by database.

SQLite: the quickest of 200 batches of 1, and of 5 of 200 (writer; 2026-11-29 00:08, at the lowest priority beside the
whole tests, which made the median five times that). PostgreSQL was not measured; it is assumed to be as quick.
"""
HEALTH_BYTES = {"SQLite": 655}
"""A health report of one bot in the table of events, with its indexes (writer; 2026-11-29 00:08)."""
FORGOTTEN_PER_S = {"SQLite": 11_766}
"""Events that retention removes per second (writer; 2026-11-29 00:08, at the lowest priority beside the whole tests)."""
BOT_BYTES = {"SQLite": 1.73 * 2**30 / 1000, "PostgreSQL": 4.19 * 2**30 / 1000}
"""The size of the samples and buckets of a bot with a full year (series; 2026-11-28 18:56)."""

WORKER_BYTES = 81.8 * 2**20
"""RSS of one worker of the public app, after use (memory; 2026-11-28 20:33)."""

BEACONS_PER_S = 663
"""Events of beacons that a master's bus carried per second (facts of 2026-11, two cores; no benchmark repeats this)."""
COMPILED_PER_S = 1000 / (30.7 + 3.0)
"""Pillars that one process of a master compiles per second (compile; 2026-11-24, a machine about three times as fast)."""
PUBLISHED_PER_S = 1000 / 14.9
"""Calls that one warm client publishes per second, one after the other (job; 2026-11-28 20:41)."""
BROADCAST_PER_S = 571
"""Parts of jobs for 100 nodes per second, from asked for to done, without Salt (queue; 2026-11-28 18:56)."""
DESCRIPTORS_A_MINION = 4
"""Open files for each minion: Salt warns when its accepted keys times this exceed the open files that it may have.

See salt.utils.verify, check_max_open_files (3008.3). Its documentation says at least one:
ref/configuration/master.html#max-open-files.
"""
