"""Days on which the service is there, and looks once a day what is due."""

import time
from typing import Any

from pillar_service.store.nodes import standings
from pillar_service.usecases.payments import payments

STEP_S = 0.9 * 86_400


def days_pass(until: float) -> list[dict[str, Any]]:
    """Let what is due be done each day from when it was done last, and at that moment; the steps that took."""
    now, steps = standings.beat_at() or time.time(), list[dict[str, Any]]()
    while now < until - STEP_S:
        now += STEP_S
        steps += _due(now)
    return steps + _due(until)


def _due(now: float) -> list[dict[str, Any]]:
    told = payments.run_due(now)
    assert told["failures"] == []
    return list(told["steps"])
