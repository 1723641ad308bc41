"""Following a job of a command to its end, with its lines from every place as they come."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError
from pillar_service.core.jobs import OVER, JobState
from pillar_service.master.client import LONG_POLL_S, Client
from pillar_service.master.runners import AWAY_FOR_S


def followed(client: Client, job: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a job, by place; its lines on stderr as they come. Raises Failed with its sentence if it failed."""
    seen: dict[str, int] = {}
    ends = time.monotonic() + AWAY_FOR_S
    while True:
        try:
            told = client.command_job(job["id"], after=min(seen.values(), default=0), wait=LONG_POLL_S)
            ends = time.monotonic() + AWAY_FOR_S
        except SaltcellarError as error:
            if error.permanent or time.monotonic() > ends:
                raise
            time.sleep(1)
            continue
        _show(told["lines"], seen)
        if told["job"]["state"] in OVER:
            return _outcome(told)


def _show(lines: list[dict[str, Any]], seen: dict[str, int]) -> None:
    for line in lines:
        if line["n"] > seen.get(line["place"], 0):
            sys.stderr.write(f"{line['place']}: {line['text']}\n")
            seen[line["place"]] = line["n"]
    sys.stderr.flush()


def _outcome(told: Mapping[str, Any]) -> dict[str, Any]:
    job = told["job"]
    if job["state"] != JobState.SUCCEEDED:
        raise Failed(job["error"] or f"The job {job['id']} ended as {job['state']}.")
    return {
        "job": job["id"],
        "result": job["result"],
        "places": {part["node"]: part["result"] for part in told["parts"]},
    }
