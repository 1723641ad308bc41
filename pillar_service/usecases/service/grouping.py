"""Grouping: what several threads want to write at the same moment is written together, in one transaction.

Committing to disk takes longer than the writes themselves. Nobody gets an answer before the commit with what they asked
for, and a refusal affects only the one who is refused.
"""

import copy
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pillar_service.core.errors import Unavailable
from pillar_service.store.database import transaction

MOST = 100
"""How many are written together at most, unless a Group says otherwise."""

Given = TypeVar("Given")
Made = TypeVar("Made")


class _Entry(Generic[Given, Made]):
    """What one thread wants written, and what came of it. ``woken`` is set when it is done, or when its thread is to lead."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.made: list[Made] = []
        self.error: BaseException | None = None
        self.woken = threading.Event()


class Group(Generic[Given, Made]):
    """The queue for one kind of writing.

    ``act`` writes several in the transaction that it is called in, and returns a result for each. ``most`` limits how
    many: long writes keep other writers waiting.
    """

    def __init__(self, act: Callable[[list[Given]], list[Made]], most: int = MOST) -> None:
        self._act, self._most = act, most
        self._lock = threading.Lock()
        self._waiting: list[_Entry[Given, Made]] = []
        self._is_led = False

    def do(self, given: Given) -> Made:
        """Write it with the others that wait, and return its result once that is committed.

        Don't call it inside a transaction: the writes of others would be in it, too.
        """
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
        """Write what waits, one's own first; then let another thread lead if anything came meanwhile."""
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
        """Write them all in one transaction, with those that come until it begins; if one fails, each in its own."""
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
        """Take what waits into ``some``, unless something is in it already."""
        if not some:
            with self._lock:
                some[:], self._waiting = self._waiting[: self._most], self._waiting[self._most :]
