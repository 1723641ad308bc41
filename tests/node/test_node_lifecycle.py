"""What a node tells about itself: that it starts, lives, stops, has another version, and that its clock was set."""

from typing import Any

import pytest

import pillar_service
from pillar_service.core.events.submission import Lifecycle, Priority
from pillar_service.node.clock import Moment
from pillar_service.node.lifecycle import ALIVE_EVERY_S, Beat
from pillar_service.node.paths import Home
from pillar_service.node.spool import Bounds, Spool

NODE = "cellar-9"


class Clock:
    at, mono, boot, is_synced = 1_800_000_000.0, 50.0, "one", True

    def __call__(self) -> Moment:
        return Moment(self.at, self.mono, self.boot, self.is_synced)


class Life:
    """A node's lifecycle duty, on a clock of the test's own."""

    def __init__(self, home: Home, **more: Any) -> None:
        self.home, self.clock = home, Clock()
        self.spool = Spool(home, now=self.clock, **more)
        self.begin()

    def begin(self) -> None:
        self.beat = Beat(self.home, NODE, self.spool, "3008.3", self.clock)

    def pass_by(self, seconds: float) -> None:
        for _ in range(int(seconds / self.beat.every_s)):
            self.clock.at += self.beat.every_s
            self.clock.mono += self.beat.every_s
            self.beat.run(self.clock.mono)

    def said(self) -> list[str]:
        return [one.type.rpartition(".")[2] for one in self.spool.batch().events]


@pytest.fixture
def life(home: Home) -> Life:
    return Life(home)


def test_it_starts_lives_and_stops(life: Life) -> None:
    life.pass_by(2 * ALIVE_EVERY_S + 60)
    life.beat.stop()
    assert life.said() == ["start", "alive", "alive", "stop"]
    first = life.spool.batch().events[0]
    assert (first.priority, first.subject, first.stream) == (Priority.VITAL, NODE, "lifecycle")
    assert first.data["saltcellar"] == pillar_service.__version__
    assert first.data["spool"]["waiting"] == 0


def test_another_version_is_told_once(life: Life) -> None:
    life.pass_by(10)
    (life.home.state / "version").write_text("0.0.1")
    for _ in range(2):
        life.begin()
        life.pass_by(10)
    assert life.said() == ["start", "start", "upgrade", "start"]
    told = life.spool.batch().events[2].data
    assert told == {"from": "0.0.1", "to": pillar_service.__version__}


@pytest.mark.parametrize("step", [86_400.0, -86_400.0, 3.0])
def test_a_clock_that_is_set_is_told(life: Life, step: float) -> None:
    life.pass_by(10)
    life.clock.at += step
    life.pass_by(30)
    assert life.said() == ["start", "clock"]
    assert life.spool.batch().events[1].data == {"step_s": step, "synchronised": True, "was_synchronised": True}


def test_a_clock_that_drifts_is_not(life: Life) -> None:
    for _ in range(100):
        life.clock.at += 0.5
        life.pass_by(5)
    assert life.said() == ["start"]


def test_what_could_not_be_kept_is_told_when_there_is_room(home: Home) -> None:
    life = Life(home, bounds=Bounds(bytes=1, reserved=1))
    life.pass_by(10)
    life.beat.stop()
    assert life.spool.status()["refused"] >= 2
    life.spool.bounds = Bounds()
    life.pass_by(10)
    assert life.said() == ["start"]


def test_types_are_the_contracts() -> None:
    names = ("start", "stop", "alive", "upgrade", "clock", "converged", "not-converged")
    assert {str(one) for one in Lifecycle} == {f"nz.butt.saltcellar.lifecycle.{name}" for name in names}
