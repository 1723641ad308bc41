"""Figures over time: what is kept of each report, for how long, and how charts are made of it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

RAW_KEPT_S = 48 * 3600
FIVE_MINUTES, HOUR = 300, 3600
KEPT_S = {FIVE_MINUTES: 30 * 86_400, HOUR: 365 * 86_400}
"""For how many seconds buckets are kept, by their width in seconds."""

JITTER_S = 5
"""Two start times less than this many seconds apart mean the same start: they are rounded, and come from two clocks."""
MOST_KIB = 2**31 - 1
MOST_PEERS = 500_000
MOST_RESTARTS = 2**31 - 1
"""Upper bounds of reported figures: more can't be true, and would overflow the column."""


class Sample(NamedTuple):
    """What is kept of one report; None is unknown. ``memory`` and ``disk`` are in KiB, ``rx`` and ``tx`` are bytes so far."""

    at: int
    memory: int | None
    peers: int | None
    disk: int | None
    rx: int | None
    tx: int | None
    started: int | None
    """When the running container was started; None if none runs."""
    restarts: int | None
    """How often the bot was restarted so far, as its node counts it; None in samples without that count."""


class Bucket(NamedTuple):
    """All samples of a stretch of time that begins at ``at``: sums and counts for means, maxima, and the newest figures.

    ``last`` is the time of the newest sample. All values are whole numbers, so merging is exact in any order.
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
"""A place in a chart for which there is no report."""


class Span(StrEnum):
    """How far back a chart goes."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


YOUNG_S = 3 * 3600
"""Up to this age of a bot, its last hour says more than its last day."""


def first(age_s: float) -> Span:
    """The span that is shown of a bot of this age until somebody chooses another."""
    return Span.HOUR if age_s < YOUNG_S else Span.DAY


class Resolution(NamedTuple):
    """A chart's length, the width of the buckets that it is read from (0: samples), and that of its points, in seconds."""

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
    """What is kept of a report taken at ``at`` (Unix seconds).

    The peers of a pub that runs but does not answer are unknown, not 0; so is the memory of a running pub that is
    reported as 0.
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
    """A bucket of that width that holds only this sample."""
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
    """Both buckets merged into one, which begins where the first one begins."""
    # A page with a chart merges hundreds: unpacking a bucket once is cheaper than reading its fields by name.
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
    """The buckets merged into ones of this width (no narrower than they are), by where they begin."""
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
    """Where each point begins in a chart that ends now."""
    end = int(now) // resolution.width * resolution.width + resolution.width
    return list(range(end - resolution.length, end, resolution.width))


def drawn(buckets: Iterable[Bucket], resolution: Resolution, now: float) -> dict[str, Any]:
    """A chart's figures: lists as long as ``at``, with None where nothing was reported.

    ``memory`` (mean), ``memory_max`` and ``disk`` are in bytes, ``peers`` is a mean, ``rx_per_s`` and ``tx_per_s`` are
    in bytes per second. ``restarts`` lists moments; ``restarted`` is the number of restarts, or the least it can be
    unless ``restarted_exactly``. Buckets from before the chart only show the counters' values at its start.
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
    """How fast the counter (``rx`` or ``tx``) grew per second since the previous bucket, by where a bucket begins.

    Rate times time adds up to all that was counted: after a gap, the rate is the mean over the gap. A counter that fell
    has started again at 0.
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
    """The moments of the bot's restarts, without its first start; of several in one bucket only the last is seen."""
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
    """How often the bot was restarted in the buckets from ``since`` on, and whether that is exact.

    A node counts every start, so restarts are known even if several fell between two buckets, into a gap, or came with
    a new container. Where the count began anew (the bot moved, or its disk was lost) or is missing, the starts that can
    be seen are counted.
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
