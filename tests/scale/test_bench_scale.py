"""The simulation behind docs/scale.md: it loses and invents nothing, and more work means more load."""

import pytest

from bench import costs, scale
from bench.fleet import Fleet, Run
from pillar_service.node import delivery

WRITER = costs.Writer(0.005, 0.0001)


def ran(fleet: Fleet, seconds: float = 30.0, seed: int = 1) -> Run:
    run = Run(fleet, seed)
    run.clock.go(seconds)
    return run


@pytest.mark.parametrize(
    "fleet",
    [
        Fleet(50, 2, WRITER),
        Fleet(50, 2, None),
        Fleet(500, 1, WRITER, away_s=3600.0),  # gives up, and sends twice
        Fleet(300, 40, costs.Writer(0.2, 0.0), away_s=3600.0),  # is refused by the writer
    ],
)
def test_every_event_is_delivered_once(fleet: Fleet) -> None:
    run = ran(fleet, 60.0)
    run.settle()
    assert run.stored == sum(node.put for node in run.nodes) > 0
    assert all(node.put == node.kept == node.known for node in run.nodes)
    assert not run.behind


def test_what_is_given_up_on_is_told_twice_and_kept_once() -> None:
    run = ran(Fleet(500, 1, WRITER, away_s=3600.0), 60.0)
    run.settle()
    assert run.failed > 0
    assert run.doubled > 0


def test_who_waits_too_long_for_the_writer_is_turned_away() -> None:
    assert ran(Fleet(300, 40, costs.Writer(0.2, 0.0), away_s=3600.0), 60.0).failed > 0
    assert ran(Fleet(300, 40, None, away_s=3600.0), 60.0).failed == 0


def test_load_grows_with_nodes_and_shrinks_with_workers() -> None:
    few, many, shared = (
        scale.busy(ran(fleet)) for fleet in (Fleet(100, 2, WRITER), Fleet(200, 2, WRITER), Fleet(200, 4, WRITER))
    )
    assert few[0] < many[0]
    assert few[1] < many[1]
    assert shared[0] == pytest.approx(many[0] / 2)
    assert shared[1] == pytest.approx(many[1], rel=0.05)


def test_load_is_what_the_costs_say() -> None:
    fleet, seconds = Fleet(200, 4, WRITER), 600.0
    run = ran(fleet, seconds)
    told = sum(seconds / every for every, _ in fleet.told) * fleet.nodes
    asked = sum(seconds / every for every, _ in fleet.asked) * fleet.nodes
    assert run.stored == pytest.approx(told, rel=0.02)
    cost = told * (costs.REQUEST_S + costs.SAMPLE_S) + asked * costs.QUESTION_S
    assert run.service.busy_s == pytest.approx(cost, rel=0.02)


def test_more_workers_drain_an_outage_sooner() -> None:
    slow, quick = (Run(Fleet(200, workers, WRITER, away_s=3600.0)).drain(3600.0) for workers in (1, 4))
    assert slow
    assert quick
    assert quick < slow


def test_nobody_begins_at_once_after_an_outage() -> None:
    run = Run(Fleet(1000, 100, None, away_s=3600.0))
    run.clock.go(delivery.SPLAY_S / 2)
    assert 0.4 < sum(node.number > 0 for node in run.nodes) / 1000 < 0.6


def test_the_same_seed_is_the_same_run() -> None:
    assert ran(Fleet(50, 1, WRITER)).service.delays == ran(Fleet(50, 1, WRITER)).service.delays
    assert ran(Fleet(50, 1, WRITER)).service.delays != ran(Fleet(50, 1, WRITER), seed=2).service.delays
