"""Ids of what is said in answer to a delivery: the same ones when it is worked on again."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

from pillar_service.core import names

_ids: ContextVar[Iterator[str] | None] = ContextVar("ids", default=None)


@contextmanager
def of(key: str) -> Iterator[None]:
    """Inside, ids are made of the key, in their order."""
    before = _ids.set(hashlib.sha256(f"{key} {n}".encode()).hexdigest()[:16] for n in count())
    try:
        yield
    finally:
        _ids.reset(before)


def new_id() -> str:
    """The next id of this turn; any new id outside of one."""
    ids = _ids.get()
    return names.new_id() if ids is None else next(ids)
