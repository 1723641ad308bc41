"""Lists the runs that are under way on this node, and stops them."""

import signal
import time
from typing import Any

from pillar_service.node.executor import outcomes, processes, records, warden
from pillar_service.node.executor.records import RUNNING, Record
from pillar_service.node.paths import Home

WITHIN_S = warden.GRACE_S + 3.0
"""Seconds that ``stop`` waits for the processes to end."""


def running(home: Home) -> list[dict[str, Any]]:
    """The runs under way on this node: job, attempt, command, user, since (Unix seconds), pid (the warden's)."""
    found = ((one, one.read()) for one in records.known(home))
    return [
        {key: value for key, value in told.items() if key not in ("state", "start")}
        for one, told in found
        if told and told["state"] == RUNNING and one.is_held()
    ]


def stop(home: Home, job: object, force: bool = False) -> dict[str, Any]:
    """End all processes of a job that runs here: SIGTERM, and after 5 s SIGKILL; with ``force``, SIGKILL at once.

    Returns {"job", "stopped", "state"}: ``state`` is the outcome's, "running" if it has not ended yet, or None if this
    node had no such job; ``stopped`` says whether a signal was sent. Raises Invalid for a bad job id.
    """
    id = records.job_id(job)
    number = warden.AT_ONCE if force else warden.IN_PEACE
    sent = [one for one in records.known(home, id) if one.is_held() and _signal(one, number)]
    until = time.monotonic() + WITHIN_S
    while any(one.is_held() for one in sent) and time.monotonic() < until:
        time.sleep(0.05)
    return {"job": id, "stopped": bool(sent), "state": outcome(home, id).get("state")}


def _signal(record: Record, number: signal.Signals) -> bool:
    told = record.read() or {}
    if told.get("state") != RUNNING or "pid" not in told:
        return False
    return processes.send(processes.Process(told["pid"], 0, told["start"], False), number)


def outcome(home: Home, job: object, attempt: object = None) -> dict[str, Any]:
    """The outcome of a job's attempt, or of the last one begun here; while it runs, its record; {} if there is none.

    Raises Invalid for a bad job id.
    """
    found = records.known(home, records.job_id(job))
    of = [one for one in found if attempt is None or one.attempt == attempt]
    if not of:
        return {}
    with of[-1].held(wait=False) as ours:
        told = outcomes.of(of[-1]) if ours else of[-1].read()
    return told or {}
