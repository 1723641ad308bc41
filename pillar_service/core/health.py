"""From what a node reports to what we say of a bot."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.agents import Actual

EVENT_TYPE = "nz.butt.saltcellar.pub.health"
"""The CloudEvents type of a health report."""

LOST_AFTER_S = 120.0
"""No word for this long and a bot counts as lost: eight heartbeats of 15 s."""

SETTLED = (Actual.GONE, Actual.PROVISIONING)
"""States that silence does not change."""

STATUSES = ("running", "exited", "created", "restarting", "paused", "dead", "missing")
HEALTHS = ("healthy", "unhealthy", "starting", "none")
COUNTERS = ("rx_bytes", "tx_bytes", "restarts")


def reported(report: Mapping[str, Any]) -> Actual:
    """The actual state that one bot's report means.

    A pub is alive when its container runs and it answered on its control socket; Docker's verdict alone is late.
    """
    status = report["status"]
    if status == "running":
        return Actual.ALIVE if report["answers"] and report["health"] != "unhealthy" else _unwell(report)
    if status in ("exited", "created"):
        return Actual.STOPPED
    return Actual.GONE if status == "missing" else Actual.SICK


def _unwell(report: Mapping[str, Any]) -> Actual:
    starting = report["health"] == "starting" and report["uptime_s"] < 30
    return Actual.PROVISIONING if starting else Actual.SICK


def seen(actual: Actual, reported_at: float | None, now: float) -> Actual:
    """The state to show now: an old report of anything that should be heard of is no longer believed.

    Arguments: the last reported state, when it was reported and the time now (both Unix seconds).
    """
    if actual in SETTLED or reported_at is None or now - reported_at <= LOST_AFTER_S:
        return actual
    return Actual.LOST


def accumulated(before: Mapping[str, int], counted: int, key: str) -> tuple[int, dict[str, int]]:
    """A counter that survives the resets of what it is read from (a container's network counters start again at 0).

    ``before`` holds ``<key>`` (the total so far) and ``<key>_raw`` (the last reading); returns the new total and both
    to keep.
    """
    last = before.get(f"{key}_raw", 0)
    step = counted - last if counted >= last else counted
    total = before.get(key, 0) + step
    return total, {key: total, f"{key}_raw": counted}
