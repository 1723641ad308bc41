"""Ends what has run out of time, each item by itself, so that one that can't be ended holds up no other."""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from pillar_service.core.errors import Unavailable
from pillar_service.store.database import attempt

log = logging.getLogger(__name__)

AGAIN_S = 60.0
"""How long to leave alone what could not be ended: claims come all the time, and each would fail on it and log so."""

_left: dict[str, float] = {}
"""Until when to leave alone what this process could not end, by its id."""


class _Ending(Protocol):
    @property
    def id(self) -> str: ...


One = TypeVar("One", bound=_Ending)


def end(these: Iterable[One], how: Callable[[One], object], now: float) -> None:
    """End each of these in the caller's transaction; if one raises, nothing is written of it, and the others go on.

    Raises Unavailable, which concerns all of them.
    """
    for one in these:
        if _left.get(one.id, now) > now:
            continue
        try:
            with attempt():
                how(one)
        except Unavailable:
            raise
        except Exception:
            log.exception("%s could not be ended; it is tried again in %g s.", one.id, AGAIN_S)
            _left[one.id] = now + AGAIN_S
