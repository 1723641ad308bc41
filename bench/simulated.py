"""A clock that jumps from one due action to the next, and a service that takes requests at the measured costs.

A request waits for a thread (first come, first served; each worker has THREADS), then for a worker, whose time it uses,
and at its end for the database's one writer. A request that waits for the writer longer than BUSY_S is refused.
"""

import heapq
from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

from bench.costs import Writer
from pillar_service.settings.known import SETTINGS
from pillar_service.store.database import BUSY_S

THREADS = int(next(one.default for one in SETTINGS if one.name == "THREADS"))


class Clock:
    """Due actions, in order; times are seconds since the start."""

    def __init__(self) -> None:
        self.now, self._count = 0.0, 0
        self._due: list[tuple[Any, ...]] = []

    def at(self, moment: float, act: Callable[..., None], *about: Any) -> None:
        """Schedule an action; those of the same moment keep their order."""
        self._count += 1
        heapq.heappush(self._due, (moment, self._count, act, *about))

    def go(self, until: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until then, or until ``is_over`` says so."""
        while self._due and self._due[0][0] <= until and not is_over():
            self.now, _, act, *about = heapq.heappop(self._due)
            act(*about)


class Request:
    """A batch on its way: its cost for a worker, how long it holds the writer, and whom to tell what became of it."""

    __slots__ = ("asked", "cost", "held", "refused", "taken")

    def __init__(self, asked: float, cost: float, held: float) -> None:
        self.asked, self.cost, self.held = asked, cost, held
        self.taken: Callable[[], None]
        self.refused: Callable[[], None]


class Service:
    """Workers and a writer. With ``writer`` None, batches don't wait for each other, which the real code does not do."""

    def __init__(self, clock: Clock, workers: int, writer: Writer | None) -> None:
        self._clock, self._writer, self._free_at = clock, writer, 0.0
        self._workers, self._threads = [0.0] * workers, workers * THREADS
        self._line: deque[Request] = deque()
        self.delays, self.busy_s, self.held_s = array("d"), 0.0, 0.0

    def ask(self, request: Request) -> bool:
        """Accept a request; returns whether a thread is free for it at once."""
        if self._threads:
            self._begin(request)
            return True
        self._line.append(request)
        return False

    def question(self, cost: float) -> None:
        """Carry out a request that only reads."""
        self._work(cost)

    def _work(self, cost: float) -> float:
        """Let the worker that is free first do it; returns when it is done."""
        done = max(self._clock.now, self._workers[0]) + cost
        heapq.heapreplace(self._workers, done)
        self.busy_s += cost
        return done

    def _begin(self, request: Request) -> None:
        self._threads -= 1
        done = self._work(request.cost)
        self._clock.at(max(self._clock.now, done - request.held), self._write, request)

    def _write(self, request: Request) -> None:
        now = self._clock.now
        if self._writer is None:
            self._clock.at(now + request.held, self._end, request, True)
        elif self._free_at - now > BUSY_S:
            self._clock.at(now + BUSY_S, self._end, request, False)
        else:
            self._free_at = max(self._free_at, now) + request.held
            self.held_s += request.held
            self._clock.at(self._free_at, self._end, request, True)

    def _end(self, request: Request, is_taken: bool) -> None:
        self._threads += 1
        if is_taken:
            self.delays.append(max(0.0, self._clock.now - request.asked - request.cost))
        (request.taken if is_taken else request.refused)()
        if self._line:
            self._begin(self._line.popleft())
