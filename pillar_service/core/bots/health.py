"""A bot's state, derived from what its node reports."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.people.agents import Actual

EVENT_TYPE = "nz.butt.saltcellar.pub.health"
"""The CloudEvents type of a health report."""

LOST_AFTER_S = 120.0
"""A bot counts as lost after this long without a report: eight heartbeats of 15 s."""

OFF_S = 60.0
"""Seconds by which a node's clock must be off for the times that it tells to be corrected: less does no harm, and the figure
is only as exact as the network is fast."""

SETTLED = (Actual.GONE, Actual.PROVISIONING)
"""States that silence does not change."""

STATUSES = ("running", "exited", "created", "restarting", "paused", "dead", "missing")
HEALTHS = ("healthy", "unhealthy", "starting", "none")
PULSE_S = 45.0
"""A pub that works touches its pulse file every 5 s (states/pubs/image/plugin/pulse.js); a pulse this old means it hangs."""

COUNTERS = ("rx_bytes", "tx_bytes", "restarts")


def judged(docker: str, pulse_age_s: float | None) -> str:
    """A container's health by the age of its pub's pulse (None: no pulse since it started). Where that says nothing,
    Docker's verdict, which is updated less often."""
    if docker not in HEALTHS:
        return "none"
    if docker == "none" or pulse_age_s is None:
        return docker
    return "healthy" if pulse_age_s < PULSE_S else "unhealthy"


def reported(report: Mapping[str, Any]) -> Actual:
    """The actual state that one bot's report means.

    A pub is alive when its container runs and it answered on its control socket; Docker's verdict alone comes too late.
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
    """The state to show now: a bot that has not been reported for a while is lost, whatever its last report said.

    Arguments: the last reported state, when it was reported and the time now (both Unix seconds).
    """
    if actual in SETTLED or reported_at is None or now - reported_at <= LOST_AFTER_S:
        return actual
    return Actual.LOST


def made_at(at: float, offset_s: float | None, now: float) -> float:
    """When a report was made, by the service's clock.

    Arguments: the time that the report tells, by how many seconds its node's clock is ahead (None: not known), and the time
    now. A time in the future would hide every later report, so the result is never later than ``now``.
    """
    return min(at - offset_s if offset_s is not None and abs(offset_s) > OFF_S else at, now)


def vouched_at(reported_at: float | None, began_at: float, now: float) -> float:
    """When a bot counts as reported, once its job has ended with the node saying that it lives.

    That is when the job began, so that reports which the node made meanwhile are not older; or a while ago, if the job
    took long. Arguments: the last report (None: there is none yet), the job's begin, and the time now, in Unix seconds.
    """
    return max(reported_at or 0.0, began_at, now - LOST_AFTER_S / 2)


NEVER = "0001-01-01"
"""The beginning of the start time that Docker gives for a container that was never started."""


def started_again(before: Mapping[str, Any], container: str, started: str, count: int) -> dict[str, Any]:
    """Count how often a bot was restarted so far: by Docker, which counts that itself, by somebody, or in a new container.

    ``before`` is what was returned last time: the total as ``restarts``, and Docker's last figures. Arguments: the
    container's id, when it was last started, and its RestartCount, which Docker resets to 0 when somebody starts the
    container (moby: ``containerStart`` with ``resetRestartManager``). Returns what to keep for the next time.
    """
    if started.startswith(NEVER):
        return dict(before)
    same = before.get("restarts_born") == container
    if "restarts_born" not in before:
        more = count
    elif same and count > before.get("restarts_raw", 0):
        more = count - before.get("restarts_raw", 0)
    elif same and before.get("restarts_started", started) == started:
        more = 0
    else:
        more = 1 + count
    told = {"restarts_born": container, "restarts_started": started, "restarts_raw": count}
    return {**before, **told, "restarts": before.get("restarts", 0) + more}


def accumulated(before: Mapping[str, int], counted: int, key: str) -> tuple[int, dict[str, int]]:
    """A counter that survives resets of its source (a container's network counters start again at 0).

    ``before`` holds ``<key>`` (the total so far) and ``<key>_raw`` (the last reading). Returns the new total, and both
    values to keep.
    """
    last = before.get(f"{key}_raw", 0)
    step = counted - last if counted >= last else counted
    total = before.get(key, 0) + step
    return total, {key: total, f"{key}_raw": counted}
