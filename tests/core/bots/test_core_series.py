import functools
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillar_service.core.bots import series
from pillar_service.core.bots.series import FIVE_MINUTES, HOUR, JITTER_S, RESOLUTIONS, Sample, Span

NOW = 1_800_000_123.0

figure = st.none() | st.integers(0, 10**9)
some = st.builds(Sample, st.integers(1_700_000_000, 1_700_100_000), *[figure] * 7)
moments = st.lists(some, unique_by=lambda one: one.at, max_size=60)


def sample(at: int, **more: int | None) -> Sample:
    """A sample of a healthy pub that was started long ago."""
    well = {"memory": 100, "peers": 2, "disk": 5000, "rx": at, "tx": 0, "started": 1_600_000_000, "restarts": 0}
    return Sample(at=at, **{**well, **more})


def buckets(samples: list[Sample], width: int = 30) -> list[series.Bucket]:
    return [series.bucket(one, width) for one in samples]


def report(**more: object) -> dict[str, object]:
    well = {"status": "running", "answers": True, "memory_bytes": 2048, "disk_bytes": 4096, "peers": 3, "uptime_s": 60}
    return {**well, "rx_bytes": 10, "tx_bytes": 20, "restarts": 1, **more}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({}, Sample(1000, 2, 3, 4, 10, 20, 940, 1)),
        ({"answers": False}, Sample(1000, 2, None, 4, 10, 20, 940, 1)),
        ({"memory_bytes": 0}, Sample(1000, None, 3, 4, 10, 20, 940, 1)),
        ({"status": "exited", "answers": False, "memory_bytes": 0, "peers": 0}, Sample(1000, 0, 0, 4, 10, 20, None, 1)),
        ({"memory_bytes": None, "disk_bytes": None, "peers": None}, Sample(1000, None, None, None, 10, 20, 940, 1)),
        ({"memory_bytes": 2**53, "peers": 2**53}, Sample(1000, 2**31 - 1, 500_000, 4, 10, 20, 940, 1)),
        ({"restarts": None}, Sample(1000, 2, 3, 4, 10, 20, 940, None)),
        ({"restarts": 2**53}, Sample(1000, 2, 3, 4, 10, 20, 940, 2**31 - 1)),
    ],
)
def test_what_is_kept_of_a_report(said: dict[str, object], kept: Sample) -> None:
    assert series.sample(report(**said), 1000.9) == kept


@given(moments, st.randoms(use_true_random=False))
def test_buckets_are_the_same_in_whatever_order_samples_come(samples: list[Sample], order: random.Random) -> None:
    shuffled = samples[:]
    order.shuffle(shuffled)
    for width in (FIVE_MINUTES, HOUR):
        assert series.gathered(buckets(samples, width), width) == series.gathered(buckets(shuffled, width), width)


@given(moments)
def test_hours_made_of_five_minutes_are_hours_made_of_samples(samples: list[Sample]) -> None:
    fives = series.gathered(buckets(samples, FIVE_MINUTES), FIVE_MINUTES)
    assert series.gathered(fives.values(), HOUR) == series.gathered(buckets(samples, HOUR), HOUR)


@given(moments)
def test_a_bucket_says_what_its_samples_say(samples: list[Sample]) -> None:
    for at, one in series.gathered(buckets(samples, HOUR), HOUR).items():
        inside = [sample for sample in samples if at <= sample.at < at + HOUR]
        memory = [sample.memory for sample in inside if sample.memory is not None]
        peers = [sample.peers for sample in inside if sample.peers is not None]
        newest = max(inside, key=lambda sample: sample.at)
        assert (one.memory_n, one.memory_sum, one.memory_max) == (len(memory), sum(memory), max(memory, default=None))
        assert (one.peers_n, one.peers_sum, one.peers_max) == (len(peers), sum(peers), max(peers, default=None))
        assert (one.last, one.disk, one.rx, one.tx, one.started, one.restarts) == (newest.at, *newest[3:])


@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 10**12)), max_size=40), st.sampled_from([30, 300, 3600]))
def test_rates_times_time_are_all_that_was_counted(readings: list[tuple[int, int]], width: int) -> None:
    at, samples = 1_700_000_000, []
    for pause, counted in readings:
        at += pause
        samples.append(sample(at, rx=counted))
    found = list(series.gathered(buckets(samples, width), width).values())
    lasts = [(one.last, one.rx or 0) for one in found]
    steps = [(after - before if after >= before else after) for (_, before), (_, after) in itertools.pairwise(lasts)]
    rates = series.rates(found, "rx")
    gone_by = {after.at: after.last - before.last for before, after in itertools.pairwise(found)}
    assert all(rate >= 0 for rate in rates.values())
    assert sum(rate * gone_by[place] for place, rate in rates.items()) == pytest.approx(sum(steps))


def test_a_counter_that_fell_has_started_anew_and_an_unknown_one_is_passed_over() -> None:
    counted = [100, 400, None, 150, 150]
    found = buckets([sample(30 * n, rx=rx) for n, rx in enumerate(counted)])
    assert series.rates(found, "rx") == {30: 10.0, 90: 2.5, 120: 0.0}


def test_a_restart_is_a_start_after_another() -> None:
    starts = [None, 1000, 1000 + JITTER_S, 1001, None, 5000, 5001, 9000]
    found = buckets([sample(30 * n, started=started) for n, started in enumerate(starts)])
    assert series.restarts(found) == [5000, 9000]


@pytest.mark.parametrize(
    ("told", "restarted"),
    [
        ([(0, 1000), (0, 1000)], (0, True)),
        ([(2, 1000), (3, 5000), (9, 9000)], (7, True)),  # several between two points
        ([(2, 1000), (2, None), (5, None)], (3, True)),  # crashed before anyone looked
        ([(2, 1000), (0, 5000), (1, 9000)], (2, False)),  # another node starts its own count
        ([(4, 1000), (0, 1000)], (0, False)),  # the node's disk was lost
        ([(None, 1000), (None, 5000), (7, 9000), (9, 9500)], (4, False)),  # from before restarts were counted
        ([(1, 1000), (1, 5000)], (1, True)),  # a node that only counts Docker's own restarts
        ([(None, 1000)], (0, True)),
        ([], (0, True)),
    ],
)
def test_restarts_are_what_the_node_counted(
    told: list[tuple[int | None, int | None]], restarted: tuple[int, bool]
) -> None:
    found = buckets([sample(30 * n, restarts=count, started=at) for n, (count, at) in enumerate(told)])
    assert series.restarted(found, 0) == restarted


@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 3)), max_size=40), st.sampled_from([30, 300, 3600]))
def test_all_restarts_are_told_at_each_width_and_over_gaps(steps: list[tuple[int, int]], width: int) -> None:
    at, count, samples = 1_700_000_000, 0, [sample(1_700_000_000 - 4000)]
    for pause, more in steps:
        at, count = at + pause, count + more
        samples.append(sample(at, restarts=count))
    found = list(series.gathered(buckets(samples, width), width).values())
    assert series.restarted(found, 0) == (count, True)


def test_restarts_from_before_the_chart_do_not_count() -> None:
    found = buckets([sample(0, restarts=0), sample(30, restarts=5), sample(60, restarts=6)])
    assert series.restarted(found, 60) == (1, True)


@pytest.mark.parametrize("span", list(Span))
def test_a_chart_has_few_points_of_one_width_that_end_now(span: Span) -> None:
    chosen = RESOLUTIONS[span]
    at = series.places(chosen, NOW)
    assert 100 < len(at) <= 400
    assert len(at) * chosen.width == chosen.length
    assert at[-1] <= NOW < at[-1] + chosen.width
    assert not chosen.step or chosen.width % chosen.step == 0


def test_where_nothing_was_heard_is_a_gap_in_every_figure() -> None:
    chosen = RESOLUTIONS[Span.HOUR]
    at = series.places(chosen, NOW)
    heard = [place for n, place in enumerate(at) if not 50 <= n < 70]
    shown = series.drawn(buckets([sample(place) for place in heard]), chosen, NOW)
    for name in ("memory", "memory_max", "disk", "peers", "tx_per_s"):
        assert [n for n, value in enumerate(shown[name]) if value is None and n] == list(range(50, 70))
        assert len(shown[name]) == len(at)
    assert shown["memory"][0] == 100 * 1024
    assert shown["rx_per_s"][1] == shown["rx_per_s"][70] == 1.0


def test_what_was_before_the_chart_only_says_where_counters_and_starts_stood() -> None:
    chosen = RESOLUTIONS[Span.HOUR]
    first = series.places(chosen, NOW)[0]
    told = [sample(first - 30, started=first - 5000), sample(first + 1, started=first - 20, memory=7)]
    shown = series.drawn(buckets(told), chosen, NOW)
    assert shown["rx_per_s"][0] == 1.0
    assert (shown["memory"][0], shown["memory"][1]) == (7 * 1024, None)
    assert shown["restarts"] == []
    told = [sample(first - 30, started=first - 5000), sample(first + 60, started=first + 40)]
    assert series.drawn(buckets(told), chosen, NOW)["restarts"] == [first + 40]


def test_merging_keeps_what_is_known() -> None:
    dark = series.bucket(sample(10, memory=None, peers=None), 30)
    assert functools.reduce(series.merged, [dark, dark]).memory_max is None
    lit = series.bucket(sample(5, memory=9), 30)
    assert series.merged(dark, lit).memory_max == series.merged(lit, dark).memory_max == 9
