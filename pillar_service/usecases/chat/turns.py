"""Ids and choices in answers to a delivery: the same ones if the delivery is processed again."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

from pillar_service.core import names

_ids: ContextVar[Iterator[str] | None] = ContextVar("ids", default=None)
_seed: ContextVar[str] = ContextVar("seed", default="")


@contextmanager
def of(key: str) -> Iterator[None]:
    """Inside, ids are made of the key, in order."""
    before = _ids.set(_made(f"{key} {n}") for n in count())
    seed = _seed.set(_made(key))
    try:
        yield
    finally:
        _ids.reset(before)
        _seed.reset(seed)


def _made(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def seed() -> str:
    """Chooses among several sentences in this turn, as an id; empty outside of a turn."""
    return _seed.get()


def new_id() -> str:
    """The next id of this turn; a random one outside of a turn."""
    ids = _ids.get()
    return names.new_id() if ids is None else next(ids)
