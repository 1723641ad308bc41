"""What a spool drops when it is full or something has waited too long; each loss is told."""

import pytest
from spooling import DAY_S, KIND, SMALL, Clock, all_of, filled, gaps, numbers

from pillar_service.core.errors import Full
from pillar_service.core.events.gaps import Gap, Reason
from pillar_service.core.events.submission import GAP, Priority
from pillar_service.node.paths import Home
from pillar_service.node.spool import Bounds, Place, Spool, losses


def test_full_it_lets_go_of_what_is_least_dear_and_tells_exactly_what(home: Home) -> None:
    spool = Spool(home, SMALL, Clock())
    vital = [spool.put(KIND, "node", {"n": n}, priority=Priority.VITAL) for n in range(3)]
    bulk = [spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.BULK) for n in range(60)]
    dear = [spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.HIGH) for n in range(10)]
    found = all_of(spool)
    left = {Place(one.epoch, one.sequence) for one in found}
    assert {*vital, *dear} <= left
    [gap] = [Gap.read(one.data) for one in found if one.type == GAP]
    lost = [place for place in bulk if place not in left]
    assert lost == bulk[: len(lost)]
    assert gap == Gap(
        lost[0].epoch, lost[0].sequence, lost[-1].sequence, len(lost), Reason.FULL, "default-4", Priority.BULK
    )


def test_a_put_of_one_that_is_vital_is_never_at_the_cost_of_another(home: Home) -> None:
    spool = Spool(home, SMALL, Clock())
    taken, why = filled(spool, priority=Priority.VITAL)
    assert "matter as much" in why
    assert [one.sequence for one in all_of(spool)] == [place.sequence for place in taken]
    assert spool.status()["refused"] == 1


def test_nothing_dearer_goes_for_what_is_less_dear(home: Home) -> None:
    spool = Spool(home, SMALL, Clock())
    for n in range(15):
        spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.HIGH)
    with pytest.raises(Full, match="full of events that matter as much"):
        spool.put(KIND, "node", {"n": 99, "x": "x" * 5000}, priority=Priority.BULK)
    assert numbers(spool) == list(range(15))


def test_room_is_reserved_for_what_is_vital(home: Home) -> None:
    spool = Spool(home, Bounds(bytes=20_000, reserved=8_000), Clock())
    for n in range(30):
        spool.put(KIND, "node", {"n": n, "x": "x" * 500}, priority=Priority.NORMAL)
    before = spool.status()["waiting"]
    spool.put(KIND, "node", {"n": 1, "x": "x" * 5000}, priority=Priority.VITAL)
    assert spool.status()["waiting"] == before + 1
    assert spool.status()["lost_untold"] > 0


def test_losses_while_nobody_listens_take_little_room(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "MOST_GAPS", 20)
    spool = Spool(home, SMALL, Clock())
    for n in range(400):
        spool.put(KIND, "node", {"n": n, "x": "x" * 500}, stream=f"s{n}")
        if n % 20 == 0:
            spool.batch(most=1)
    found = all_of(spool)
    told = [Gap.read(one.data) for one in found if one.type == GAP]
    assert len(told) <= 3 * 21
    assert {gap.stream for gap in told} >= {"others"}
    assert sum(gap.count for gap in told) == 400 - sum(one.type == KIND for one in found)


@pytest.mark.parametrize("days", [-1, 1, 400, -400])
@pytest.mark.parametrize("is_synced", [True, False])
def test_a_clock_that_is_set_lets_nothing_expire(home: Home, days: float, is_synced: bool) -> None:
    clock = Clock()
    spool = Spool(home, Bounds(age_s=DAY_S / 2), clock)
    spool.put(KIND, "node", {"n": 1})
    clock.at, clock.is_synced = clock.at + days * DAY_S, is_synced
    clock.mono += 120
    spool.put(KIND, "node", {"n": 2})
    assert numbers(spool) == [1, 2]


@pytest.mark.parametrize(("was", "is_now"), [(True, False), (False, True)])
def test_over_a_reboot_nothing_expires_by_a_clock_that_nobody_keeps(home: Home, was: bool, is_now: bool) -> None:
    clock = Clock()
    clock.is_synced = was
    spool = Spool(home, Bounds(age_s=DAY_S), clock)
    spool.put(KIND, "node", {"n": 1})
    spool.close()
    clock.pass_by(40 * DAY_S)
    clock.reboot()
    clock.is_synced = is_now
    assert numbers(spool) == [1]


@pytest.mark.parametrize("reboots", [True, False])
def test_what_is_really_old_goes_and_is_told_but_nothing_vital(home: Home, reboots: bool) -> None:
    clock = Clock()
    clock.is_synced = reboots  # within one boot, ages are known without a synced clock
    spool = Spool(home, Bounds(age_s=DAY_S), clock)
    spool.put(KIND, "node", {"n": 1})
    spool.put(KIND, "node", {"n": 0}, priority=Priority.VITAL)
    clock.pass_by(2 * DAY_S)
    if reboots:
        spool.close()
        clock.reboot()
    spool.put(KIND, "node", {"n": 2})
    assert numbers(spool) == [0, 2]
    [gap] = gaps(spool)
    assert (gap.reason, gap.count, gap.first) == (Reason.AGE, 1, 1)


def test_what_was_sent_and_never_answered_goes_too_and_is_told_apart(home: Home) -> None:
    clock = Clock()
    spool = Spool(home, Bounds(age_s=DAY_S), clock)
    spool.put(KIND, "node", {"n": 1})
    assert numbers(spool) == [1]  # this batch is sent, but nothing comes back
    clock.pass_by(2 * DAY_S)
    assert numbers(spool) == []
    [gap] = gaps(spool)
    assert (gap.reason, gap.count, gap.first) == (Reason.UNANSWERED, 1, 1)
