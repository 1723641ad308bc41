"""Series: what the nodes told of a bot, over time."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core import series
from pillar_service.core.series import KEPT_S, RAW_KEPT_S, RESOLUTIONS, Sample, Span
from pillar_service.store import bots, samples


def keep(told: Mapping[str, list[Sample]], now: float) -> None:
    """Keep what was told of bots (by id), in the caller's transaction; again, late or in any order, it counts once.

    Each new sample goes into the two buckets around it, however old it is, unless the bucket itself is too old to be
    kept. Samples from before ``RAW_KEPT_S`` stand beside the others until the next ``expire``: long enough to know one
    that is delivered twice.
    """
    oldest = now - max(KEPT_S.values())
    new = samples.add({bot: [one for one in those if one.at >= oldest] for bot, those in told.items()})
    for step, kept in KEPT_S.items():
        samples.merge(step, {bot: _buckets(those, step, now - kept) for bot, those in new.items()})


def _buckets(new: list[Sample], step: int, oldest: float) -> list[series.Bucket]:
    return list(series.gathered((series.bucket(one, step) for one in new if one.at >= oldest), step).values())


def expire(of: list[str], now: float) -> None:
    """Forget what was kept of these bots for long enough, in the caller's transaction."""
    samples.expire(of, now - RAW_KEPT_S, {step: now - kept for step, kept in KEPT_S.items()})


def of(bot_id: str, span: Span, now: float) -> dict[str, Any]:
    """A bot's figures over a span that ends now, as `core.series.drawn` lists them, and its ``memory_limit`` in bytes."""
    chosen = RESOLUTIONS[span]
    start = series.places(chosen, now)[0] - max(chosen.width, chosen.step)  # one more: how counters stood at the start
    if chosen.step:
        found = samples.buckets_since(bot_id, chosen.step, start)
    else:
        found = [series.bucket(one, chosen.width) for one in samples.since(bot_id, start)]
    return {**series.drawn(found, chosen, now), "memory_limit": bots.memory_limit(bot_id)}
