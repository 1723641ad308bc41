"""Series: what nodes report of a bot, over time."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pillar_service.core.bots import series
from pillar_service.core.bots.series import KEPT_S, RAW_KEPT_S, RESOLUTIONS, Resolution, Sample, Span
from pillar_service.store.bots import bots, samples

CHARTS = 32
"""How many charts a process caches, 0.1 MB each: a page reads its charts' figures, which the charts then ask for again."""


def keep(told: Mapping[str, list[Sample]], now: float) -> None:
    """Keep what was reported of bots (by id), in the caller's transaction; a repeated or late sample counts once.

    Each new sample goes into the two buckets around it, however old it is, unless the bucket itself is too old to be
    kept. Samples older than ``RAW_KEPT_S`` stay beside the others until the next ``expire``: long enough to recognise
    one that is delivered twice.
    """
    oldest = now - max(KEPT_S.values())
    new = samples.add({bot: [one for one in those if one.at >= oldest] for bot, those in told.items()})
    for step, kept in KEPT_S.items():
        samples.merge(step, {bot: _buckets(those, step, now - kept) for bot, those in new.items()})


def _buckets(new: list[Sample], step: int, oldest: float) -> list[series.Bucket]:
    return list(series.gathered((series.bucket(one, step) for one in new if one.at >= oldest), step).values())


def expire(of: list[str], now: float) -> None:
    """Forget what has been kept of these bots for long enough, in the caller's transaction."""
    samples.expire(of, now - RAW_KEPT_S, {step: now - kept for step, kept in KEPT_S.items()})


def of(bot_id: str, span: Span, now: float) -> dict[str, Any]:
    """A bot's `figures`, and its ``memory_limit`` in bytes."""
    return {**figures(bot_id, span, now), "memory_limit": bots.memory_limit(bot_id)}


def figures(bot_id: str, span: Span, now: float) -> Mapping[str, Any]:
    """A bot's figures over a span that ends now, as `core.bots.series.drawn` lists them; not to be changed."""
    chosen = RESOLUTIONS[span]
    if chosen.step:
        revision = samples.revision(bot_id, chosen.step, _start(chosen, now))
        return _of_buckets(bot_id, chosen, series.places(chosen, now)[-1], revision)
    found = [series.bucket(one, chosen.width) for one in samples.since(bot_id, _start(chosen, now))]
    return series.drawn(found, chosen, now)


def _start(chosen: Resolution, now: float) -> int:
    """One point before the first, to know where the counters stood at the start."""
    return series.places(chosen, now)[0] - max(chosen.width, chosen.step)


@lru_cache(CHARTS)
def _of_buckets(bot_id: str, chosen: Resolution, last: int, _: tuple[int | None, ...]) -> Mapping[str, Any]:
    return series.drawn(samples.buckets_since(bot_id, chosen.step, _start(chosen, last)), chosen, last)
