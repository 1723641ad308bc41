"""What is ended because its time is over: each by itself, so that one that can't be ended keeps nobody else's from going on."""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from pillar_service.core.errors import Unavailable
from pillar_service.store.database import attempt

log = logging.getLogger(__name__)

AGAIN_S = 60.0
"""How long what could not be ended is left alone: claims come all the time, and each would fail at it, and say so."""

_left: dict[str, float] = {}
"""Until when each is left alone that this process could not end, by its id."""


class _Ending(Protocol):
    @property
    def id(self) -> str: ...


One = TypeVar("One", bound=_Ending)


def end(these: Iterable[One], how: Callable[[One], object], now: float) -> None:
    """End each in the caller's transaction; of one that raises nothing is written. Raises Unavailable, which concerns all."""
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
