"""Samples are kept once, in their buckets, and as long as they should be."""

import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from pouring import event, owner, poured, report

from pillar_service.core.bots import series as rules
from pillar_service.core.bots.series import FIVE_MINUTES, HOUR, KEPT_S, RAW_KEPT_S, Span
from pillar_service.store.bots import samples
from pillar_service.store.database import transaction
from pillar_service.usecases.bots import health, series
from pillar_service.usecases.service import retention

pytestmark = pytest.mark.usefixtures("service")

STEPS = (FIVE_MINUTES, HOUR)


@pytest.fixture
def bot(service: Callable[[], None]) -> str:
    owner()
    return str(poured()["id"])


def tell(bot: str, *moments: float, n: int = 1, **more: Any) -> dict[str, list[Any]]:
    """Let the node report these moments in one event."""
    each = [report(bot, at=at, rx_bytes=int(at), memory_bytes=int(at) % 1000 * 4096, **more) for at in moments]
    return health.take("cellar-1", [event(*each, n=n)])


def kept(bot: str) -> dict[int, list[rules.Bucket]]:
    return {step: samples.buckets_since(bot, step, 0) for step in STEPS}


def recomputed(bot: str) -> dict[int, list[rules.Bucket]]:
    """The buckets computed from the stored samples."""
    all_of_it = samples.since(bot, 0)
    made = {step: rules.gathered([rules.bucket(one, step) for one in all_of_it], step) for step in STEPS}
    return {step: [found[at] for at in sorted(found)] for step, found in made.items()}


def test_down_sampled_is_recomputed_whatever_order_reports_come_in(bot: str) -> None:
    now, chance = int(time.time()), random.Random(7)
    moments = [now - 15 * n for n in range(1000)]
    chance.shuffle(moments)
    for n in range(0, 1000, 90):
        tell(bot, *moments[n : n + 90], n=n)
    assert len(samples.since(bot, 0)) == 1000
    assert kept(bot) == recomputed(bot)
    assert len(kept(bot)[HOUR]) in (5, 6)


def test_a_report_delivered_again_counts_once(bot: str) -> None:
    now = int(time.time())
    tell(bot, now - 30, now - 15, now - 15)
    before = kept(bot)
    tell(bot, now - 30, now - 15)
    assert tell(bot, now - 15, now, n=2)["refused"] == []
    assert before[HOUR][-1].peers_n in (1, 2)
    assert kept(bot) == recomputed(bot)
    assert len(samples.newest(bot, 9)) == 3


def test_a_late_report_lands_in_its_own_buckets_even_where_samples_are_gone(bot: str) -> None:
    now = int(time.time())
    long_ago = now - RAW_KEPT_S - 10 * 86_400
    tell(bot, now)
    tell(bot, long_ago, long_ago + 1)
    with transaction():
        series.expire([bot], now)
    assert [one.at for one in samples.since(bot, 0)] == [now]
    tell(bot, long_ago + 2, n=3)
    for step in STEPS:
        first = kept(bot)[step][0]
        assert first.at == long_ago // step * step
    assert sum(one.peers_n for one in kept(bot)[HOUR] if one.at < now - 86_400) == 3


def test_each_bucket_goes_when_its_time_is_over(bot: str) -> None:
    now = int(time.time())
    month, year = KEPT_S[FIVE_MINUTES], KEPT_S[HOUR]
    tell(bot, now)
    tell(bot, now - year - 10, now - year + 3600, now - month - 7200, now - month + 600, n=2)
    assert [one.last for one in kept(bot)[FIVE_MINUTES]] == [now - month + 600, now]
    assert [one.last for one in kept(bot)[HOUR]][:2] == [now - year + 3600, now - month - 7200]
    with transaction():
        series.expire([bot], now + year)
    assert (samples.since(bot, 0), kept(bot)) == ([], {FIVE_MINUTES: [], HOUR: []})


def test_old_samples_go_whether_or_not_anybody_hears_of_the_bot(bot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    tell(bot, now - 60)
    monkeypatch.setattr(retention, "BOTS", 1)
    monkeypatch.setattr(time, "time", lambda: now + RAW_KEPT_S - 120)
    retention.forget("test")
    assert len(samples.since(bot, 0)) == 1
    monkeypatch.setattr(time, "time", lambda: now + RAW_KEPT_S + 120)
    retention.forget("test")
    assert samples.since(bot, 0) == []
    assert len(kept(bot)[HOUR]) == 1


def test_the_series_of_a_day_shows_figures_restarts_and_gaps(bot: str) -> None:
    now = int(time.time())
    early = [now - 40_000 + 15 * n for n in range(200)]
    late = [now - 15 * n for n in range(200)]
    for moments, started, restarts in ((early, now - 50_000, 2), (late, now - 3100, 5)):
        each = [
            report(
                bot,
                at=at,
                uptime_s=at - started,
                memory_bytes=2**26,
                memory_limit_bytes=2**28,
                rx_bytes=at * 7,
                restarts=restarts,
            )
            for at in moments
        ]
        health.take("cellar-1", [event(*each)])
    shown = series.of(bot, Span.DAY, now)
    assert shown["memory_limit"] == 2**28
    assert shown["restarts"] == [now - 3100]
    assert (shown["restarted"], shown["restarted_exactly"]) == (3, True)  # Two of them were in the gap.
    assert len(shown["at"]) == len(shown["memory"]) == 288
    assert shown["memory"][-1] == shown["memory_max"][-1] == 2**26
    assert shown["memory"][0] is shown["rx_per_s"][0] is None
    known = [n for n, value in enumerate(shown["memory"]) if value is not None]
    assert any(after - before > 50 for before, after in itertools.pairwise(known))  # between early and late
    assert {round(rate, 6) for rate in shown["rx_per_s"] if rate is not None} == {7.0}


@pytest.mark.parametrize(("span", "width"), [(Span.HOUR, 30), (Span.DAY, 300), (Span.MONTH, 7200), (Span.YEAR, 86_400)])
def test_each_span_shows_the_same_truth_in_its_own_width(bot: str, span: Span, width: int) -> None:
    now = int(time.time())
    health.take("cellar-1", [event(*[report(bot, at=now - 20 * n, memory_bytes=2**20) for n in range(900)])])
    shown = series.of(bot, span, now)
    assert shown["at"][1] - shown["at"][0] == width
    assert {value for value in shown["memory"] if value is not None} == {2**20}
    assert shown["memory_limit"] == 256 << 20


def test_two_bots_do_not_mix_and_a_removed_one_leaves_nothing(bot: str) -> None:
    now = int(time.time())
    other = poured("other")["id"]
    health.take("cellar-1", [event(report(bot, at=now, peers=1), report(other, at=now, peers=9, pub_id=None))])
    assert [samples.newest(id, 9)[0].peers for id in (bot, other)] == [1, 9]
    with transaction():
        samples.forget(bot)
    assert (samples.newest(bot, 9), kept(bot)[HOUR]) == ([], [])
    assert len(kept(other)[HOUR]) == 1


def test_a_second_identity_in_one_batch_does_not_replace_the_first(service: Callable[[], None]) -> None:
    from pouring import OTHER_PUB, PUB
    from pouring import bot as ask

    from pillar_service.usecases.bots import bots

    owner()
    id = ask()["agent"]["id"]
    answer = health.take("cellar-1", [event(report(id)), event(report(id, pub_id=OTHER_PUB), n=2)])
    assert f"but it is {OTHER_PUB}" in answer["refused"][0]["why"]
    assert bots.show(id)["pub_id"] == PUB


def test_a_batch_asks_the_database_little_however_many_bots_it_speaks_of(
    bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pillar_service.store.database import db

    asked: list[str] = []
    execute = db.obj.execute_sql
    monkeypatch.setattr(
        db.obj, "execute_sql", lambda sql, *more, **named: asked.append(sql) or execute(sql, *more, **named)
    )
    others = [poured(f"b{n}")["id"] for n in range(3)]
    asked.clear()
    tell(bot, time.time())
    one = len(asked)
    asked.clear()
    health.take(
        "cellar-1",
        [event(*[report(id, status="exited", pub_id=None) for id in (bot, *others)], n=n) for n in range(50)],
    )
    assert len(asked) <= one + 5


def drawn_anew(bot: str, span: Span, now: float) -> dict[str, list[Any]]:
    chosen = rules.RESOLUTIONS[span]
    return rules.drawn(samples.buckets_since(bot, chosen.step, now - 400 * 86_400), chosen, now)


@pytest.mark.parametrize("span", [Span.DAY, Span.MONTH, Span.YEAR])
def test_a_chart_that_was_looked_at_shows_whatever_is_told_afterwards(bot: str, span: Span) -> None:
    now = int(time.time())
    tell(bot, now - 7000, now - 40, peers=2)
    seen = [series.figures(bot, span, now)]
    dark = {"answers": False, "memory_limit_bytes": 0}
    for n, (moment, more) in enumerate(
        [(now - 20, {"peers": 5}), (now - 33, {"peers": 9}), (now - 6990, {"peers": 9}), (now, dark)], 2
    ):
        tell(bot, moment, n=n, **more)
        seen.append(series.figures(bot, span, now))
        assert {name: seen[-1][name] for name in drawn_anew(bot, span, now)} == drawn_anew(bot, span, now)
    assert all(before != after for before, after in itertools.pairwise(seen[:-1]))
    assert series.figures(bot, span, now) is seen[-1]  # Without new reports, nothing is computed again.
    assert series.figures(bot, span, now + 2 * 86_400)["at"] != seen[-1]["at"]


def test_what_is_forgotten_while_as_much_is_told_is_another_chart(bot: str) -> None:
    now = int(time.time()) // 3600 * 3600
    tell(bot, now - 40 * 3600 + 1, now - 3600 + 1)
    before = samples.revision(bot, HOUR, 0)
    with transaction():
        samples.expire([bot], 0, {HOUR: now - 30 * 3600})
        samples.merge(
            HOUR, {bot: [rules.bucket(one, HOUR) for one in [samples.since(bot, 0)[1]._replace(at=now - 7200 + 1)]]}
        )
    after = samples.revision(bot, HOUR, 0)
    assert [*before[:1], *before[2:]] == [*after[:1], *after[2:]]
    assert before != after


def test_who_was_never_heard_of_has_an_empty_chart(bot: str) -> None:
    shown = series.figures(bot, Span.MONTH, time.time())
    assert set(shown["memory"]) == set(shown["rx_per_s"]) == {None}
    assert shown["restarts"] == []
