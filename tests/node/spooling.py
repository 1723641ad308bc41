"""What the tests of the spool share: a clock that can be set, and looking into a spool."""

from typing import Any

from pillar_service.core.errors import Full
from pillar_service.core.events.gaps import Gap
from pillar_service.core.events.submission import GAP
from pillar_service.node.clock import Moment
from pillar_service.node.spool import Bounds, Place, Spool

KIND = "org.example.thing"
DAY_S = 86_400.0
SMALL = Bounds(bytes=20_000, reserved=4_000)


class Clock:
    def __init__(self) -> None:
        self.at, self.mono, self.boot, self.is_synced = 1_800_000_000.0, 100.0, "one", True

    def __call__(self) -> Moment:
        return Moment(self.at, self.mono, self.boot, self.is_synced)

    def pass_by(self, seconds: float) -> None:
        self.at, self.mono = self.at + seconds, self.mono + seconds

    def reboot(self) -> None:
        self.boot, self.mono = f"{self.boot} again", 10.0


def filled(spool: Spool, **more: Any) -> tuple[list[Place], str]:
    """Fill a spool; return the places that it gave and the sentence with which it refused."""
    taken: list[Place] = []
    while True:
        try:
            taken.append(spool.put(KIND, "node", {"n": len(taken), "x": "x" * 500}, **more))
        except Full as error:
            return taken, error.sentence


def numbers(spool: Spool) -> list[int]:
    return [one.data["n"] for one in spool.batch().events if one.type == KIND]


def gaps(spool: Spool) -> list[Gap]:
    return [Gap.read(one.data) for one in spool.batch().events if one.type == GAP]


def all_of(spool: Spool) -> list:
    """Everything that waits, taken and settled as the service would do it."""
    found = []
    while events := spool.batch().events:
        found += events
        spool.settle([Place(one.epoch, one.sequence) for one in events], {})
    return found
