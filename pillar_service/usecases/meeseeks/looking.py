"""Looking at jobs of commands: one's own; with a privilege, those of others. Private output is only for its asker."""

import json
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid, NotFound
from pillar_service.core.jobs.jobs import OVER
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.jobs import jobs as jobs_of_bots
from pillar_service.usecases.jobs import parts, queue, redacting
from pillar_service.usecases.meeseeks import challenges, deciding
from pillar_service.usecases.meeseeks.asker import Asker

SHORTEST = 4
"""The fewest characters by which a job may be named."""

LINES_OF_ONE, LINES_OF_ALL = 1000, 10_000
"""The most lines returned at once for one place, and for all places together; each place has at least one."""

EVERYBODY = "*"
PRIVATE = "Only whoever asked for that may see its output."

OTHERS = "meeseeks.jobs"
"""The privilege to see other people's jobs."""


def found(asker: Asker, id: object) -> Job:
    """Return the job with that id, or whose id begins with it, if the asker may see it.

    Raises NotFound, also for a job that they may not see, and Invalid if several fit.
    """
    if not isinstance(id, str) or not SHORTEST <= len(id) <= 16 or not set(id) <= set("0123456789abcdef"):
        raise NotFound(f"There is no job {names.shown(id)}: give at least {SHORTEST} characters of its id.")
    these = jobs.beginning(id, None if _sees_others(asker) else asker.actor, 20)
    if not these:
        raise NotFound(f"There is no job {names.shown(id)}.")
    if len(these) > 1:
        raise Invalid(f"{len(these)} jobs begin with {id}: give more of it.")
    return these[0]


def _sees_others(asker: Asker) -> bool:
    return asker.caller is None or deciding.decided(asker, OTHERS, None).allowed


def is_private(job: Job) -> bool:
    """Whether a job's output is only for whoever asked for it."""
    return job.plan is not None and bool(job.plan.get("output", {}).get("private"))


def _is_hidden(asker: Asker, job: Job) -> bool:
    """Whether a job's output is private, and somebody else's."""
    return is_private(job) and asker.caller is not None and asker.actor != job.actor


def described(asker: Asker, job: Job) -> dict[str, Any]:
    """A job as the asker may see it: without the output of another's private job."""
    told = queue.described(job)
    return told | {"result": None, "error": told["error"] and PRIVATE} if _is_hidden(asker, job) else told


def show(asker: Asker, id: object, after: int = 0, most: int | None = None) -> dict[str, Any]:
    """A job, its parts, what it waits for, and the lines after the n-th of each place.

    Of each place there are ``most`` lines, by default 1,000, or fewer if there are many places. Returns {"job",
    "parts", "waits_for", "most", "lines": [{"place", "n", "at", "text"}]}. Raises NotFound, Invalid, Forbidden
    (another's private output).
    """
    job = found(asker, id)
    places = _places(asker, job)
    most = most or max(1, min(LINES_OF_ONE, LINES_OF_ALL // max(1, len(places))))
    return {
        "job": queue.described(job) | {"waits": jobs_of_bots.waits(job.state)},
        "parts": [queue.described(part) for part in places] if job.parts else [],
        "waits_for": challenges.waiting(job.id),
        "most": most,
        "lines": [line for place in places for line in _lines(place, after, most)],
    }


def lines(asker: Asker, job: Job, after: int = 0, most: int = 1000) -> list[dict[str, Any]]:
    """The lines of a job and its parts after the n-th of each; where a place wrote none, what it returned.

    Raises Forbidden for another's private output.
    """
    return [line for place in _places(asker, job) for line in _said(place, after, most)]


def tail(asker: Asker, id: object, most: int = 20) -> list[dict[str, Any]]:
    """The last lines of each place, as in `lines`."""
    places = _places(asker, found(asker, id))
    counted = [(place, outputs.line_count(place.id) or len(returned(place))) for place in places]
    return [line for place, count in counted for line in _said(place, max(0, count - most), most)]


def _places(asker: Asker, job: Job) -> list[Job]:
    if _is_hidden(asker, job):
        raise Forbidden(PRIVATE)
    return jobs.parts_or_itself(job)


def _lines(part: Job, after: int, most: int) -> list[dict[str, Any]]:
    return [
        {"place": parts.place(part), "n": line.n, "at": line.at, "text": line.text}
        for line in outputs.lines(part.id, after, most)
    ]


def _said(part: Job, after: int, most: int) -> list[dict[str, Any]]:
    if outputs.line_count(part.id):
        return _lines(part, after, most)
    told = enumerate(returned(part)[after : after + most], after + 1)
    return [{"place": parts.place(part), "n": n, "at": part.ended_at, "text": text} for n, text in told]


def returned(part: Job) -> list[str]:
    """What a job without lines returned, as lines: a log's own lines, a text as it is, anything else as JSON."""
    result = part.result
    if result is None or (isinstance(result, dict) and {"job", "attempt"} <= set(result)):
        return []  # the executor's summary of lines, which are shown anyway
    if isinstance(result, dict) and list(result) == ["lines"] and isinstance(result["lines"], list):
        result = "\n".join(map(str, result["lines"]))
    text = result if isinstance(result, str) else json.dumps(result, indent=2, ensure_ascii=False)
    return redacting.text(part, text).splitlines()  # redacted once more, as a pattern may match only the JSON


def listed(asker: Asker, of: str = "", most: int = 20) -> list[dict[str, Any]]:
    """The newest jobs of commands, without parts and previews.

    They are the asker's own; with the privilege, those of an actor, or (`*`) of everybody. Raises Forbidden.
    """
    if of not in ("", asker.actor) and not _sees_others(asker):
        raise Forbidden("You may see your own jobs only.")
    actor = None if of == EVERYBODY else of or (None if asker.caller is None else asker.actor)
    return [described(asker, job) for job in jobs.of_commands(actor, most)]


def last(asker: Asker) -> Job:
    """The newest job that the asker asked for, previews aside; raises NotFound."""
    newest = jobs.of_commands(asker.actor, 1)
    if not newest:
        raise NotFound("You have not asked for anything yet.")
    return newest[0]


def has_news(id: str, after: int) -> bool:
    """Whether a job is over or gone, or it or a part has lines after the n-th. Cheap: long polls call it all the time."""
    job = jobs.find(id)
    if job is None or job.state in OVER:
        return True
    return any(outputs.line_count(part.id) > after for part in jobs.parts_or_itself(job))
