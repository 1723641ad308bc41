"""One watcher at work: when its next look is due, since when its condition holds, and what it saw last."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import Any

from croniter import croniter

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Failed, SaltcellarError
from pillar_service.core.machines.machines import Kind, Watcher
from pillar_service.node.machines import expressions, looks
from pillar_service.node.machines.memory import Memory

SET_S = 600
"""The clock may be set back by up to so many seconds without a schedule starting over, and so firing twice."""


class Watching:
    """A watcher for one instance; only the engine's thread calls ``start`` and ``fired``."""

    def __init__(self, watcher: Watcher, memory: Memory) -> None:
        self.watcher, self._memory = watcher, memory
        self.problem: str | None = None
        self.seen: dict[str, Any] | None = None
        self._future: Future[looks.Look] | None = None
        self._restarts: deque[tuple[float, int]] = deque(maxlen=200)
        self._since: float | None = None
        self.reset()

    def reset(self) -> None:
        """Look at once, and count from scratch how long the condition holds: the state has changed."""
        self._due, self._since, self._stale = 0.0, None, self._future is not None

    def entered(self, source: str, target: str) -> None:
        """The machine goes from one state to another. A schedule does not make up for times in states it does not watch."""
        self.reset()
        inside = self.watcher.states
        if self.watcher.kind is Kind.SCHEDULE and target in inside and source not in inside:
            self._memory.marks[self._schedule_mark] = time.time()

    def start(
        self, now: float, pool: Executor, words: Callable[[], Mapping[str, Any]], configuration: looks.Configuration
    ) -> None:
        """Begin a look, if one is due and none is under way."""
        if self._future is not None or now < self._due or self.watcher.kind in (Kind.TIMER, Kind.SCHEDULE):
            return
        self._due, places = now + self.watcher.every_s, words()
        if self.watcher.kind in looks.SLOW:
            self._future = pool.submit(looks.look, self.watcher, places, configuration)
        else:
            self._future = _done(lambda: looks.look(self.watcher, places, configuration))

    def fired(self, now: float, names: Callable[[], Mapping[str, Any]]) -> bool:
        """Whether its event is to be fired now."""
        try:
            if self.watcher.kind is Kind.TIMER:
                return self._timer(names)
            if self.watcher.kind is Kind.SCHEDULE:
                return self._schedule(now)
            return self._looked(now, names)
        except (SaltcellarError, OSError, ValueError) as error:  # ValueError: croniter's, for a time that never comes
            # A condition that can't be seen does not hold: nothing fires, and counting starts over.
            self.problem, self._since = str(error), None
            return False

    def _timer(self, names: Callable[[], Mapping[str, Any]]) -> bool:
        after = self.watcher.settings["after"]
        seconds = after if isinstance(after, int) else expressions.value(after, names())
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise Failed(f"{after!r} does not give a number of seconds.")
        self.problem = None
        return self._memory.in_state_s >= seconds

    @property
    def _schedule_mark(self) -> str:
        return f"schedule {self.watcher.name}"

    def _schedule(self, now: float) -> bool:
        if now < self._due:
            return False
        self._due, wall = now + 1.0, time.time()
        key = self._schedule_mark
        last = self._memory.marks.get(key)
        if isinstance(last, int | float) and 0 < last - wall < SET_S:
            return False  # the clock was set back a little: this time has fired already
        if not isinstance(last, int | float) or last > wall:
            # The first look, or the clock was far ahead and has been corrected.
            last = self._memory.marks[key] = wall
            self._memory.save()
        # After a long sleep it fires once, however much was missed.
        if croniter(self.watcher.settings["cron"], max(last, wall - DAY_S * 366)).get_next(float) > wall:
            return False
        self._memory.marks[key] = wall
        self._memory.save()
        return True

    def _looked(self, now: float, names: Callable[[], Mapping[str, Any]]) -> bool:
        if self._future is None or not self._future.done():
            return False
        future, self._future = self._future, None
        if self._stale:
            self._stale, self._due = False, 0.0
            return False
        seen = self._enriched(future.result(), now)
        self.seen = {key: value for key, value in seen.items() if key != "mark"}
        assert self.watcher.when
        holds = bool(expressions.value(self.watcher.when, {**names(), **self.seen}))
        self.problem = None
        self._since = (self._since if self._since is not None else now) if holds else None
        return self._since is not None and now - self._since >= self.watcher.hold_s

    def _enriched(self, seen: looks.Look, now: float) -> looks.Look:
        if self.watcher.kind in (Kind.FILE, Kind.KV):
            return seen | self._compared(seen["mark"])
        if self.watcher.kind is Kind.CONTAINER:
            self._restarts.append((now, seen["restarts"]))
            return seen | {"restarts_lately": self._lately(now)}
        return seen

    def _compared(self, mark: Any) -> dict[str, bool]:
        key = f"mark {self.watcher.name}"
        is_first, before = key not in self._memory.marks, self._memory.marks.get(key)
        if is_first or before != mark:
            self._memory.marks[key] = mark
            self._memory.save()
        # An older version marked files with a list, which says nothing about the content.
        is_known = not is_first and not (self.watcher.kind is Kind.FILE and isinstance(before, list))
        return {"first": is_first, "changed": is_known and before != mark}

    def _lately(self, now: float) -> int:
        kept = [count for at, count in self._restarts if now - at <= self.watcher.settings["lately"]]
        return sum(max(0, later - earlier) for earlier, later in itertools.pairwise(kept))


def _done(call: Callable[[], looks.Look]) -> "Future[looks.Look]":
    future: Future[looks.Look] = Future()
    try:
        future.set_result(call())
    except Exception as error:
        future.set_exception(error)
    return future
