"""Figures over time: what is kept of a report, for how long, and what a chart is drawn from."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

RAW_KEPT_S = 48 * 3600
FIVE_MINUTES, HOUR = 300, 3600
KEPT_S = {FIVE_MINUTES: 30 * 86_400, HOUR: 365 * 86_400}
"""The widths of buckets, and for how long each is kept, in seconds."""

JITTER_S = 5
"""A start that is told twice is told in whole seconds of two clocks: nearer than this it is the same one."""
MOST_KIB = 2**31 - 1
MOST_PEERS = 500_000
MOST_RESTARTS = 2**31 - 1
"""What is told beyond these is a lie; they keep a lie from overflowing its column."""


class Sample(NamedTuple):
    """What is kept of one report; None is unknown. ``memory`` and ``disk`` are KiB, ``rx`` and ``tx`` bytes so far."""

    at: int
    memory: int | None
    peers: int | None
    disk: int | None
    rx: int | None
    tx: int | None
    started: int | None
    """When the running container was started; None while none runs."""
    restarts: int | None
    """How often it was started again so far, as its node counts it; None in what was kept before that was."""


class Bucket(NamedTuple):
    """The samples of a stretch of time that begins at ``at``: sums to divide, the most, and the newest one's figures.

    ``last`` is the newest sample's moment. Merging is exact in any order, as all are whole numbers.
    """

    at: int
    last: int
    memory_n: int
    memory_sum: int
    memory_max: int | None
    peers_n: int
    peers_sum: int
    peers_max: int | None
    disk: int | None
    rx: int | None
    tx: int | None
    started: int | None
    restarts: int | None


UNHEARD = Bucket(0, 0, 0, 0, None, 0, 0, None, None, None, None, None, None)
"""What stands in a chart where nothing was heard."""


class Span(StrEnum):
    """How far back a chart goes."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


YOUNG_S = 3 * 3600
"""Until this age a bot's last hour says more than its last day."""


def first(age_s: float) -> Span:
    """What is shown of a bot of this age until somebody chooses."""
    return Span.HOUR if age_s < YOUNG_S else Span.DAY


class Resolution(NamedTuple):
    """A chart's length, the width of the buckets it is read from (0: samples) and of its points; all in seconds."""

    length: int
    step: int
    width: int


RESOLUTIONS = {
    Span.HOUR: Resolution(3600, 0, 30),  # two heartbeats of 15 s: one that is a little late makes no gap
    Span.DAY: Resolution(86_400, FIVE_MINUTES, 300),
    Span.MONTH: Resolution(30 * 86_400, HOUR, 7200),
    Span.YEAR: Resolution(365 * 86_400, HOUR, 86_400),
}


def sample(report: Mapping[str, Any], at: float) -> Sample:
    """What is kept of a report, taken at that moment (Unix seconds).

    A pub that runs and does not answer has peers, but nobody knows how many; no process runs in no memory.
    """
    running = report["status"] == "running"
    memory, peers, restarts = report["memory_bytes"], report["peers"], report["restarts"]
    return Sample(
        at=int(at),
        memory=None if memory is None or (running and not memory) else min(memory // 1024, MOST_KIB),
        disk=None if report["disk_bytes"] is None else report["disk_bytes"] // 1024,
        peers=None if peers is None or (running and not report["answers"]) else min(peers, MOST_PEERS),
        rx=report["rx_bytes"],
        tx=report["tx_bytes"],
        started=int(at - report["uptime_s"]) if running else None,
        restarts=None if restarts is None else min(restarts, MOST_RESTARTS),
    )


def bucket(one: Sample, width: int) -> Bucket:
    """The bucket of that width which holds this sample alone."""
    return Bucket(
        one.at // width * width,
        one.at,
        int(one.memory is not None),
        one.memory or 0,
        one.memory,
        int(one.peers is not None),
        one.peers or 0,
        one.peers,
        *one[3:],
    )


def merged(one: Bucket, other: Bucket) -> Bucket:
    """Both in one, which begins where the first begins."""
    # A page with a chart merges hundreds: a bucket taken apart at once is cheaper than its fields by name.
    at, last, memory_n, memory_sum, memory_max, peers_n, peers_sum, peers_max, *_ = one
    _, late, more_n, more_sum, more_max, others_n, others_sum, others_max, *_ = other
    if memory_max is None or (more_max is not None and more_max > memory_max):
        memory_max = more_max
    if peers_max is None or (others_max is not None and others_max > peers_max):
        peers_max = others_max
    memory = memory_n + more_n, memory_sum + more_sum, memory_max
    peers = peers_n + others_n, peers_sum + others_sum, peers_max
    return Bucket._make((at, late if late >= last else last, *memory, *peers, *(other if late >= last else one)[8:]))


def gathered(buckets: Iterable[Bucket], width: int) -> dict[int, Bucket]:
    """Buckets as wider (or equally wide) ones, by where they begin."""
    found: dict[int, Bucket] = {}
    for one in buckets:
        at = one[0] // width * width
        before = found.get(at)
        if before is not None:
            found[at] = merged(before, one)
        else:
            found[at] = one if one[0] == at else one._replace(at=at)
    return found


def places(resolution: Resolution, now: float) -> list[int]:
    """Where each point of a chart begins that ends now."""
    end = int(now) // resolution.width * resolution.width + resolution.width
    return list(range(end - resolution.length, end, resolution.width))


def drawn(buckets: Iterable[Bucket], resolution: Resolution, now: float) -> dict[str, Any]:
    """A chart's figures, each as long as ``at``; where nothing was heard stands None.

    ``memory`` (mean), ``memory_max`` and ``disk`` are bytes, ``peers`` is a mean, ``rx_per_s`` and ``tx_per_s`` are
    bytes a second; ``restarts`` are moments, ``restarted`` is how often it was started again, or at least so often where it
    is not ``restarted_exactly``. Buckets from before the chart only tell how counters stood at its start.
    """
    found = gathered(buckets, resolution.width)
    at = places(resolution, now)
    here = zip(*[found.get(place, UNHEARD) for place in at], strict=True)
    _, _, memory_n, memory_sum, memory_max, peers_n, peers_sum, _, disk, *_ = here
    known = [found[place] for place in sorted(found) if place <= at[-1]]
    rx, tx = rates(known, "rx"), rates(known, "tx")
    again, is_exact = restarted(known, at[0])
    return {
        "at": at,
        "memory": _means(memory_sum, memory_n, 1024),
        "memory_max": _bytes(memory_max),
        "disk": _bytes(disk),
        "peers": _means(peers_sum, peers_n),
        "rx_per_s": list(map(rx.get, at)),
        "tx_per_s": list(map(tx.get, at)),
        "restarts": [moment for moment in restarts(known) if moment >= at[0]],
        "restarted": again,
        "restarted_exactly": is_exact,
    }


def _means(sums: Iterable[int], counts: Iterable[int], unit: int = 1) -> list[float | None]:
    return [round(total * unit / n, 1) if n else None for total, n in zip(sums, counts, strict=True)]


def _bytes(kibs: Iterable[int | None]) -> list[int | None]:
    return [None if kib is None else kib * 1024 for kib in kibs]


def rates(buckets: Iterable[Bucket], counter: str) -> dict[int, float]:
    """How fast ``rx`` or ``tx`` grew, a second, since the bucket before, by where a bucket begins.

    Rate times time adds up to all that was counted: after a gap a rate is the mean since before it. A counter that
    fell has started anew.
    """
    found: dict[int, float] = {}
    place, before, stood = Bucket._fields.index(counter), None, 0
    for one in buckets:
        counted, last = one[place], one[1]
        if counted is None:
            continue
        if before is not None and last > before:
            found[one[0]] = (counted - stood if counted >= stood else counted) / (last - before)
        before, stood = last, counted
    return found


def restarts(buckets: Iterable[Bucket]) -> list[int]:
    """The moments at which the bot was started again, not its first; of several in one bucket the last is seen."""
    moments: list[int] = []
    before: int | None = None
    for *_, started, _ in buckets:
        if started is None:
            continue
        if _is_later(started, before):
            moments.append(started)
        before = started
    return moments


def _is_later(started: int, before: int | None) -> bool:
    return before is not None and started > before + JITTER_S


def restarted(buckets: Iterable[Bucket], since: int) -> tuple[int, bool]:
    """How often the bot was started again in the buckets from ``since`` on, and whether that is exact.

    A node counts each start, so that several between two buckets, in a gap, or of a container in another's place are told.
    Where one counts anew (the bot moved, or its disk was lost), or did not count, each start that is seen counts.
    """
    total, is_exact, is_known = 0, True, False
    counted: int | None = None
    began: int | None = None
    for one in buckets:
        is_new = one.started is not None and _is_later(one.started, began)
        more = -1 if one.restarts is None or counted is None else one.restarts - counted
        if one.at >= since and is_known:
            total += max(more, int(is_new))
            is_exact = is_exact and more >= 0
        counted, began, is_known = one.restarts, one.started if one.started is not None else began, True
    return total, is_exact
