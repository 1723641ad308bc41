"""Slots limit how many of a worker's threads may be held for long: a node's pillar may need one within two seconds."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pillar_service.settings import settings


class Slots:
    """At most a ``share``-th of a worker's threads may be held, but ``least`` in any case; by one asker, ``each``."""

    def __init__(self, share: int, least: int = 0, each: int | None = None) -> None:
        self._share, self._least, self._each = share, least, each
        self._lock, self._held = threading.Lock(), Counter[str]()

    @contextmanager
    def taken(self, asker: str = "", always: bool = False) -> Iterator[bool]:
        """Take a slot while the context lasts, and give whether there was one. ``always`` takes one in any case."""
        with self._lock:
            may = always or self._has_room(asker)
            self._held += Counter({asker: int(may)})
        try:
            yield may
        finally:
            with self._lock:
                self._held -= Counter({asker: int(may)})  # this also removes askers who hold none

    def held(self) -> int:
        """How many slots are held now."""
        return self._held.total()

    def _has_room(self, asker: str) -> bool:
        is_within_own = self._each is None or self._held[asker] < self._each
        return is_within_own and self._held.total() < max(self._least, settings().threads // self._share)
