"""Days on which the service runs and looks, once a day, at what is due; and a clock that is wrong."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pillar_service.store.nodes import standings
from pillar_service.usecases.payments import payments

STEP_S = 0.9 * 86_400


@contextmanager
def ahead(seconds: float) -> Iterator[None]:
    """The clock of the service's machine is ahead by so many seconds, and is set back at the end."""
    real = time.time
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(time, "time", lambda: real() + seconds)
        yield


@contextmanager
def at(moment: float) -> Iterator[None]:
    """The clock of the service's machine stands still at this moment."""
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(time, "time", lambda: moment)
        yield


def days_pass(until: float) -> list[dict[str, Any]]:
    """Do what is due each day since it was last done, and at ``until``; return the steps taken."""
    now, steps = standings.beat_at() or time.time(), list[dict[str, Any]]()
    while now < until - STEP_S:
        now += STEP_S
        steps += _due(now)
    return steps + _due(until)


def _due(now: float) -> list[dict[str, Any]]:
    told = payments.run_due(now)
    assert told["failures"] == []
    return list(told["steps"])
