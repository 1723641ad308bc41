"""A node that is not heard of is away, whatever Salt says; one that comes and goes is unsteady, and reported once."""

from dataclasses import replace

import pytest

from pillar_service.core.nodes.presence import (
    HALF_LIFE_S,
    QUIET_AFTER_S,
    STOPPED_AFTER_S,
    Standing,
    State,
    ahead_by,
    deaf_for,
    heard,
    looked,
)


def lived(*steps: tuple[float, str]) -> Standing:
    """The standing of a node that is heard of (`report`, `alive`, `stop`) or looked at (`look`) at these times."""
    standing = Standing()
    for at, what in steps:
        standing = looked(standing, at) if what == "look" else heard(standing, at, what == "report", what == "stop")
    return standing


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([(0, "look")], State.NEVER),
        ([(0, "alive")], State.HERE),
        ([(0, "report"), (119, "look")], State.HERE),
        ([(0, "report"), (121, "look")], State.AWAY),
        ([(0, "alive"), (QUIET_AFTER_S - 1, "look")], State.HERE),
        ([(0, "alive"), (QUIET_AFTER_S + 1, "look")], State.AWAY),
        ([(0, "report"), (10, "alive"), (131, "look")], State.AWAY),
        ([(0, "report"), (1000, "alive"), (1200, "look")], State.HERE),  # Its pubs are gone, but it is alive.
        ([(0, "report"), (10, "stop"), (10 + STOPPED_AFTER_S + 1, "look")], State.AWAY),
        ([(0, "report"), (10, "stop"), (20, "alive"), (100, "look")], State.HERE),  # a restart
        ([(0, "report"), (121, "look"), (500, "alive")], State.HERE),
        ([(1000, "report"), (0, "look")], State.HERE),  # Our clock was set back.
        ([(1000, "report"), (0, "report"), (121, "look")], State.AWAY),
    ],
)
def test_how_a_node_stands(steps: list[tuple[float, str]], state: State) -> None:
    assert lived(*steps).state is state


def test_the_silence_of_who_could_not_be_heard_does_not_count() -> None:
    standing = replace(lived((0, "report")), deaf_s=300.0)
    assert [looked(standing, now).state for now in (419, 421)] == [State.HERE, State.AWAY]
    stopping = replace(lived((0, "report"), (10, "stop")), deaf_s=300.0)
    assert [looked(stopping, now).state for now in (339, 341)] == [State.HERE, State.AWAY]
    assert heard(standing, 330, True, False).deaf_s == 0.0
    assert [deaf_for(100.0, now) for now in (90.0, 130.0, 131.0)] == [0.0, 0.0, 31.0]


def test_since_is_when_it_changed() -> None:
    assert lived((0, "report"), (50, "report"), (200, "look"), (300, "look")).since == 200
    assert lived((0, "report"), (200, "look"), (300, "report"), (310, "report")).since == 300


def test_who_comes_and_goes_is_unsteady_until_it_was_quiet() -> None:
    standing, changes, now = Standing(), 0, 0.0
    for _ in range(20):
        for what in (True, False):
            before = standing.state
            standing = heard(standing, now, True, False) if what else looked(standing, now)
            changes += standing.state is not before
            now += 130 if what else 5
    assert standing.state is State.UNSTEADY
    assert changes <= 5, "each coming and going was told"
    for _ in range(200):
        now += 15
        standing = heard(standing, now, True, False)
    assert standing.state is State.HERE


def test_an_unsteady_one_that_stays_away_is_away() -> None:
    standing, now = Standing(), 0.0
    for _ in range(5):
        standing, now = heard(standing, now, True, False), now + 130
        standing, now = looked(standing, now), now + 5
    assert standing.state is State.UNSTEADY
    assert looked(standing, now + 4 * HALF_LIFE_S).state is State.AWAY


def test_a_clock_was_ahead_that_stands_well_before_the_last_word() -> None:
    assert [ahead_by(100.0, now) for now in (101.0, 70.0, 69.0)] == [0.0, 0.0, 31.0]
