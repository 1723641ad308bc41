"""Looking at jobs of commands: one's own; those of others with a privilege. A private one's output is its asker's alone."""

from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid, NotFound
from pillar_service.core.jobs import OVER
from pillar_service.store import jobs
from pillar_service.store.jobs import Job
from pillar_service.usecases import queue
from pillar_service.usecases.meeseeks import asking, challenges
from pillar_service.usecases.meeseeks.asker import Asker

SHORTEST = 4
"""The fewest characters by which a job may be named."""

OTHERS = "meeseeks.jobs"
"""The privilege to see other people's jobs."""


def found(asker: Asker, id: object) -> Job:
    """The job with that id, or whose id begins so, if they may see it; raises NotFound, also for another's."""
    if not isinstance(id, str) or not SHORTEST <= len(id) <= 16 or not set(id) <= set("0123456789abcdef"):
        raise NotFound(f"There is no job {names.shown(id)}: give at least {SHORTEST} characters of its id.")
    these = [job for job in jobs.beginning(id, 20) if may_see(asker, job)]
    if not these:
        raise NotFound(f"There is no job {names.shown(id)}.")
    if len(these) > 1:
        raise Invalid(f"{len(these)} jobs begin with {id}: give more of it.")
    return these[0]


def may_see(asker: Asker, job: Job) -> bool:
    """Whether somebody may see a job: it is theirs, or they have the privilege."""
    return asker.caller is None or job.actor == asker.actor or asking.decided(asker, OTHERS, None).allowed


def show(asker: Asker, id: object, after: int = 0, most: int = 1000) -> dict[str, Any]:
    """A job, its parts, what it waits for, and at most so many lines after the n-th of each place.

    {"job", "parts", "waits_for", "lines": [{"place", "n", "at", "text"}]}; raises NotFound.
    """
    job = found(asker, id)
    its = jobs.parts_of(job.id) if job.parts else []
    return {
        "job": queue.described(job),
        "parts": [queue.described(part) for part in its],
        "waits_for": challenges.waiting(job.id),
        "lines": lines(asker, job, after, most),
    }


def lines(asker: Asker, job: Job, after: int = 0, most: int = 1000) -> list[dict[str, Any]]:
    """The lines of a job and its parts after the n-th of each; raises Forbidden for another's private output."""
    if job.plan is not None and job.plan["output"]["private"] and asker.caller is not None and asker.actor != job.actor:
        raise Forbidden("What came out of that is for who asked for it alone.")
    found_lines = []
    for part in jobs.parts_of(job.id) if job.parts else [job]:
        place = part.node or "master"
        shown = [
            {"place": place, "n": line.n, "at": line.at, "text": line.text} for line in jobs.lines(part.id, after, most)
        ]
        found_lines.extend(shown)
    return found_lines


def tail(asker: Asker, id: object, most: int = 20) -> list[dict[str, Any]]:
    """The last lines of each place."""
    job = found(asker, id)
    every = lines(asker, job, 0, 1_000_000)
    by_place: dict[str, list[dict[str, Any]]] = {}
    for line in every:
        by_place.setdefault(line["place"], []).append(line)
    return [line for shown in by_place.values() for line in shown[-most:]]


def listed(asker: Asker, of: str = "", most: int = 20) -> list[dict[str, Any]]:
    """The newest jobs of commands, parts not among them: one's own; with the privilege everybody's, or of one actor."""
    everybody = asker.caller is None or asking.decided(asker, OTHERS, None).allowed
    if of and of != asker.actor and not everybody:
        raise Forbidden("You may see your own jobs only.")
    actor = of or (None if everybody and asker.caller is None else asker.actor)
    return [queue.described(job) for job in jobs.of_commands(actor, most)]


def last(asker: Asker) -> Job:
    """The newest job that somebody asked for; raises NotFound."""
    newest = jobs.of_commands(asker.actor, 1)
    if not newest:
        raise NotFound("You have not asked for anything yet.")
    return newest[0]


def has_news(id: str, after: int) -> bool:
    """Whether a job is over, or it or a part of it has lines after the n-th. Cheap: long polls ask it all the time."""
    job = jobs.find(id)
    if job is None or job.state in OVER:
        return True
    return any(jobs.line_count(part.id) > after for part in (jobs.parts_of(id) if job.parts else [job]))
