"""Governors on a node: a holder takes a lease from the service, and waits while there is none or the service is away.

A lease's time is counted from before it was asked for, by a clock that nobody sets and that goes on while the system sleeps:
so it ends here no later than at the service. A holder that was paused finds its lease over before it does anything.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from pillar_service.core.errors import Conflict, SaltcellarError, Unavailable
from pillar_service.core.nodes.governors import name as checked

log = logging.getLogger(__name__)

AGAIN_S = 5.0
"""Seconds until a lease is asked for again."""


class Door(Protocol):
    """The part of the node's door that is needed here."""

    def take(self, name: str, holder: str, seconds: int) -> dict: ...
    def renew(self, name: str, holder: str, fence: int, seconds: int) -> dict: ...
    def release(self, name: str, holder: str, fence: int) -> None: ...


def clock() -> float:
    """Seconds since boot, including time asleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """A lease that was granted. Call `check` before each thing that only one, or few, may do at a time."""

    def __init__(self, governor: "Governor", fence: int, until: float) -> None:
        self._governor, self.fence, self._until = governor, fence, until

    @property
    def stands(self) -> bool:
        """Whether the lease is still valid."""
        return self._governor.clock() < self._until

    def check(self) -> None:
        """Raise Conflict if the lease is over."""
        if not self.stands:
            raise Conflict(f"The lease on {self._governor.name} is over: nothing more is done under it.")

    def renew(self) -> None:
        """Renew the lease; raises Conflict if it is over, Unavailable while the service is away."""
        self.check()
        asked = self._governor.clock()
        governor = self._governor
        governor.door().renew(governor.name, governor.holder, self.fence, governor.seconds)
        self._until = asked + governor.seconds

    def release(self) -> None:
        """Give the lease back; if the service can't be told, the lease ends by itself."""
        self._until = float("-inf")
        try:
            self._governor.door().release(self._governor.name, self._governor.holder, self.fence)
        except SaltcellarError as error:
            log.info("The lease on %s could not be given back, and will end by itself: %s", self._governor.name, error)


class Governor:
    """A governor as one holder sees it; pages show ``what`` (a machine and its subject) as the holder.

    ``door`` returns the door to the service, and raises Unavailable while its address is unknown.
    """

    def __init__(
        self, door: Callable[[], Door], name: str, what: str, seconds: int = 60, clock: Callable[[], float] = clock
    ) -> None:
        self.door, self.name, self.seconds, self.clock = door, checked(name), seconds, clock
        # Two processes that do the same, of which one may have been paused, are two holders.
        self.holder = f"{what}/{os.urandom(4).hex()}"

    def take(self) -> Lease | None:
        """A lease, or None while others hold it; raises Unavailable while the service is away, NotFound if unknown there."""
        asked = self.clock()
        told = self.door().take(self.name, self.holder, self.seconds)
        return Lease(self, int(told["fence"]), asked + self.seconds) if told.get("granted") else None

    @contextmanager
    def held(self, wait_s: float) -> Iterator[Lease]:
        """A lease for the duration of a ``with``; raises Unavailable if there was none within ``wait_s`` seconds."""
        lease = self._waited(wait_s)
        try:
            yield lease
        finally:
            lease.release()

    def _waited(self, wait_s: float) -> Lease:
        until, why = self.clock() + wait_s, f"Others hold {self.name}."
        while True:
            try:
                lease = self.take()
            except Unavailable as error:
                lease, why = None, error.sentence
            if lease is not None:
                return lease
            if self.clock() >= until:
                raise Unavailable(f"{self.name} was not granted within {wait_s:g} s. {why}")
            time.sleep(min(AGAIN_S, max(0.05, until - self.clock())))
