"""Grouping: what several threads want written at the same moment is written together, in one transaction.

To have a commit on disk takes longer than what is in it. Nobody is answered before the commit that holds what they asked
for; what is refused is refused alone.
"""

import copy
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pillar_service.core.errors import Unavailable
from pillar_service.store.database import transaction

MOST = 100
"""The most that is written together, where nothing else is said."""

Given = TypeVar("Given")
Made = TypeVar("Made")


class _Entry(Generic[Given, Made]):
    """What one thread wants, and what came of it. ``woken``: it was done, or its thread is to write now."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.made: list[Made] = []
        self.error: BaseException | None = None
        self.woken = threading.Event()


class Group(Generic[Given, Made]):
    """The line for one kind of writing; ``act`` does several in the transaction that it is called in, and tells each.

    ``most``: how many at most; what is long to write keeps other writers waiting.
    """

    def __init__(self, act: Callable[[list[Given]], list[Made]], most: int = MOST) -> None:
        self._act, self._most = act, most
        self._lock = threading.Lock()
        self._waiting: list[_Entry[Given, Made]] = []
        self._is_led = False

    def do(self, given: Given) -> Made:
        """What came of it, once that is committed. Not inside a transaction: others' would be in it, too."""
        mine = _Entry[Given, Made](given)
        with self._lock:
            self._waiting.append(mine)
            must_wait, self._is_led = self._is_led, True
        if must_wait:
            mine.woken.wait()
        if not mine.made and mine.error is None:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.made[0]

    def _lead(self) -> None:
        """Write what waits, one's own first; then somebody else leads, if anything came meanwhile."""
        some: list[_Entry[Given, Made]] = []
        try:
            self._write(some)
        finally:
            with self._lock:
                self._is_led = bool(self._waiting)
                following = self._waiting[:1]
            for one in (*some, *following):
                one.woken.set()

    def _write(self, some: list[_Entry[Given, Made]]) -> None:
        """All in one transaction, also what comes until it is our turn; when that fails at one of them, each in its own."""
        try:
            with transaction():
                self._take(some)
                made = self._act([one.given for one in some])
        except BaseException as error:
            self._take(some)
            if len(some) > 1 and isinstance(error, Exception) and not isinstance(error, Unavailable):
                for one in some:
                    self._write([one])
                return
            for one in some:
                one.error = copy.copy(error)  # each is raised in a thread of its own
            some[0].error = error
            return
        for one, its in zip(some, made, strict=True):
            one.made.append(its)

    def _take(self, some: list[_Entry[Given, Made]]) -> None:
        """What waits, as far as nothing was taken yet."""
        if not some:
            with self._lock:
                some[:], self._waiting = self._waiting[: self._most], self._waiting[self._most :]
