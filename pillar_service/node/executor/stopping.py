"""What runs here now, and how to stop it."""

import signal
import time
from typing import Any

from pillar_service.node.executor import outcomes, processes, records, warden
from pillar_service.node.executor.records import RUNNING, Record
from pillar_service.node.paths import Home

WITHIN_S = warden.GRACE_S + 3.0
"""How long stopping waits for the end."""


def running(home: Home) -> list[dict[str, Any]]:
    """The runs of this node that are not over: job, attempt, command, user, since (Unix seconds), pid (of the warden)."""
    found = ((one, one.read()) for one in records.known(home))
    return [
        {key: value for key, value in told.items() if key not in ("state", "start")}
        for one, told in found
        if told and told["state"] == RUNNING and one.is_held()
    ]


def stop(home: Home, job: object, force: bool = False) -> dict[str, Any]:
    """End all processes of a job that runs here: SIGTERM, then SIGKILL after 5 s, or (``force``) at once.

    Returns {"job", "stopped", "state"}: ``state`` is the outcome's, "running" when it has not ended yet, or None when no
    such job was here; ``stopped`` says whether a signal was sent. Raises Invalid for what is no job's id.
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
    """The outcome of a job's attempt, or of the last that was begun here; while it runs, that it does; {} for none.

    Raises Invalid for what is no job's id.
    """
    found = records.known(home, records.job_id(job))
    of = [one for one in found if attempt is None or one.attempt == attempt]
    if not of:
        return {}
    with of[-1].held(wait=False) as ours:
        told = outcomes.of(of[-1]) if ours else of[-1].read()
    return told or {}
