"""Following a job to its end, and showing its lines on stderr as they come."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError
from pillar_service.core.jobs.jobs import OVER, JobState
from pillar_service.master.client import LONG_POLL_S, Client

PAGE = 1000
"""How many lines of each place one answer holds at most, if the service does not say so itself (``most``)."""

NOTHING_NEW_S = 0.5
"""The least time from one question to the next, in seconds, when the answer held nothing new: the service answers at once when
too many wait already, or when another place is behind."""

AWAY_FOR_S = 60.0
"""How long a job is still followed while the service does not answer, in seconds."""

Look = tuple[dict[str, Any], bool]
"""A job, and whether the answer held anything new."""


def finished(client: Client, job: Mapping[str, Any]) -> dict[str, Any]:
    """Follows a bot's job to its end, and returns it; raises Failed with its sentence if it did not succeed."""
    seen = 0

    def look() -> Look:
        nonlocal seen
        told, lines = client.job(job["id"], after=seen, wait=LONG_POLL_S)
        for line in lines:
            sys.stderr.write(f"{line['text']}\n")
            seen = line["n"]
        return told, bool(lines)

    with _waiting_for(job["id"]):
        return _succeeded(dict(job) if job["state"] in OVER else _over(look))


def followed(client: Client, job: Mapping[str, Any]) -> dict[str, Any]:
    """Follows a command's job to its end; returns {"job", "result", "places"}: its id, its result, and its parts' by node.

    Raises Failed with the job's sentence if it did not succeed.
    """
    seen: dict[str, int] = {}
    told: dict[str, Any] = {"parts": [], "lines": []}

    def look() -> Look:
        # Ask from the place that is furthest behind: one that has said nothing yet is behind all others.
        places = [part["node"] or "master" for part in told["parts"]] or list(seen)
        after = min((seen.get(place, 0) for place in _cut(told) or places), default=0)
        told.update(client.command_job(job["id"], after=after, wait=LONG_POLL_S))
        is_new = _show(told["lines"], seen)
        is_cut = bool(_cut(told))
        return ({**told["job"], "state": JobState.RUNNING} if is_cut else dict(told["job"])), is_new or is_cut

    with _waiting_for(job["id"]):
        ended = _succeeded(_over(look))
    places = {part["node"]: part["result"] for part in told["parts"]}
    return {"job": ended["id"], "result": ended["result"], "places": places}


def printed(client: Client, id: str) -> Iterator[dict[str, Any]]:
    """All lines that a command's job has now, page by page: {"place", "n", "at", "text"}."""
    seen: dict[str, int] = {}
    after = 0
    while True:
        told = client.command_job(id, after=after)
        lines = told["lines"]
        yield from (line for line in lines if line["n"] > seen.get(line["place"], 0))
        seen |= {line["place"]: max(line["n"], seen.get(line["place"], 0)) for line in lines}
        if not (more := _cut(told)):
            return
        after = min(seen[place] for place in more)


@contextmanager
def _waiting_for(job: str) -> Iterator[None]:
    """When this process is told to end (SIGINT, or SIGTERM, for which Salt raises SystemExit), says that the job goes on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as ended:
        told = f"No longer waiting, but the job {job} goes on: `salt-run meeseeks.show {job}` shows what came of it."
        raise Failed(told) from ended


def _cut(told: Mapping[str, Any]) -> list[str]:
    """The places that may have more lines than the answer holds."""
    counted = Counter(line["place"] for line in told["lines"])
    return [place for place, count in counted.items() if count >= told.get("most", PAGE)]


def _over(look: Callable[[], Look]) -> dict[str, Any]:
    """Calls ``look`` until its job is over, and returns that; tries again while the service does not answer for a while."""
    ends, waits = time.monotonic() + AWAY_FOR_S, ""
    while True:
        began = time.monotonic()
        try:
            job, is_new = look()
        except SaltcellarError as error:
            if error.permanent or time.monotonic() > ends:
                raise
            time.sleep(1)
            continue
        if job.get("waits") and job["waits"] != waits:
            sys.stderr.write(f"{job['waits']}\n")
        waits = job.get("waits", "")
        sys.stderr.flush()
        if job["state"] in OVER:
            return job
        if not is_new:
            time.sleep(max(0.0, began + NOTHING_NEW_S - time.monotonic()))
        ends = time.monotonic() + AWAY_FOR_S


def _show(lines: list[dict[str, Any]], seen: dict[str, int]) -> bool:
    """Shows new lines, and returns whether there were any."""
    new = [line for line in lines if line["n"] > seen.get(line["place"], 0)]
    for line in new:
        sys.stderr.write(f"{line['place']}: {line['text']}\n")
        seen[line["place"]] = line["n"]
    return bool(new)


def _succeeded(job: dict[str, Any]) -> dict[str, Any]:
    if job["state"] != JobState.SUCCEEDED:
        raise Failed(job["error"] or f"The job {job['id']} ended as {job['state']}.")
    return job
