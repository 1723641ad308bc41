"""Days on which the service runs and looks, once a day, at what is due."""

import time
from typing import Any

from pillar_service.store.nodes import standings
from pillar_service.usecases.payments import payments

STEP_S = 0.9 * 86_400


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
