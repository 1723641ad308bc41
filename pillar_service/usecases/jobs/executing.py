"""Executing: what a node asks and reports as it carries out commands of the catalogue, only ever for its own jobs."""

import itertools
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Failed, Invalid, NotFound
from pillar_service.core.jobs import redaction
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs, outputs, runs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.outputs import Line
from pillar_service.store.nodes import nodes
from pillar_service.usecases.jobs import keeping, redacting
from pillar_service.usecases.meeseeks import catalogue
from pillar_service.usecases.nodes import governors
from pillar_service.usecases.service import sealing

SEALED_FOR = "argument"
"""What secret arguments are sealed for (sealing.seal), together with the id of the job, or of the job it is a part of."""

STREAMS = ("stdout", "stderr", "note")
MOST_LINES, LONGEST = 1000, 16_384
"""The most lines at a time, and the most characters of a line."""

LATE_S = 86_400.0
"""How long after a job's end its lines are still taken."""

NAME = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}", re.ASCII)
MOST_NAMES, MOST_SLOTS = 200, 1000


def sealed(job: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """Secret arguments, sealed for a plan's ``secrets``; ``job`` is the id of the whole job, not of a part."""
    return {name: sealing.seal(SEALED_FOR, job, text) for name, text in secrets.items()}


def without_secrets(job: Job) -> dict[str, Any]:
    """The columns that change so that a job that is over keeps no secrets."""
    if not (job.plan or {}).get("secrets"):
        return {}
    return {"plan": {key: value for key, value in job.plan.items() if key != "secrets"}}


def begin(node: str, id: object, attempt: object) -> dict[str, Any]:
    """Let a node begin an attempt of its job, once per attempt; returns {"arguments": the secret ones}.

    Raises NotFound for a job that is not this node's; Conflict if that attempt began before or must not run now, or if
    the command has changed since it was asked for; Unavailable while its governor has no free lease; Failed if a secret
    can't be read.
    """
    which = names.whole_number(attempt, "attempt", 1, 999_999)
    with transaction():
        job = _of_node(node, id)
        if why := catalogue.changed(job):
            raise Conflict(why)
        if not jobs.begin(job.id, node, which):
            raise Conflict(f"Attempt {which} of the job {job.id} can't begin: it already began, or must not run now.")
        governors.begin_job(job, which, time.time())
        return {"arguments": secrets(job)}


def require_awaited(node: str, id: object) -> None:
    """Check that somebody still waits for a run that a node is about to carry out.

    Raises Conflict when nobody does, NotFound for a run that is not this node's.
    """
    run = runs.find(id) if names.is_id(id) else None
    if run is None or run.node != node:
        raise NotFound(f"This node has no run {names.shown(id)}.")
    if run.state != runs.RUNNING:
        raise Conflict(
            "This was given up before the node started it: nothing was done. Ask again if you still want it."
        )


def _of_node(node: str, id: object) -> Job:
    job = jobs.find(id) if names.is_id(id) else None
    if job is None or job.node != node or job.plan is None:
        raise NotFound(f"This node has no job {names.shown(id)}.")
    return job


def secrets(job: Job) -> dict[str, str]:
    """The secret arguments of a job that is not over; raises Failed if they can't be read."""
    kept = (job.plan or {}).get("secrets") or {}
    told = {name: sealing.opened(SEALED_FOR, job.parent or job.id, text) for name, text in kept.items()}
    for name, text in told.items():
        if text is None:
            raise Failed(f"The argument {name} can't be read any more: CELLAR_SECRET_KEY has changed. Ask for it anew.")
    return {name: str(text) for name, text in told.items()}


def add_lines(node: str, id: object, attempt: object, lines: object) -> dict[str, int]:
    """Keep lines of an attempt that this node began; returns {"taken": the highest n}.

    Each line has ``n`` (from 1, rising), ``stream`` and ``text``. What is taken is on disk; sending it again changes
    nothing. Beyond JOB_LINES and JOB_BYTES, lines are only counted. Raises Invalid, NotFound for a job that is not this
    node's, Conflict for an attempt that never began or a job that ended long ago.
    """
    which, now = names.whole_number(attempt, "attempt", 1, 999_999), time.time()
    given = _lines(which, lines)
    with transaction():
        job = _of_node(node, id)
        if (job.begun or 0) < which or (job.ended_at is not None and now - job.ended_at > LATE_S):
            raise Conflict(
                f"The job {job.id} takes no lines of attempt {which}: it never began, or the job ended long ago."
            )
        before = outputs.taken(job.id, which)
        fresh = {n: line for n, line in given.items() if n > before}
        last = max(fresh, default=before)
        if fresh:
            keeping.keep(job, which, last, _redacted(job, fresh.values()), now)
        return {"taken": last}


def _lines(attempt: int, given: object) -> dict[int, Line]:
    if not isinstance(given, list) or len(given) > MOST_LINES:
        raise Invalid(f'Send at most {MOST_LINES} lines such as {{"n": 1, "stream": "stdout", "text": "…"}}.')
    found = [_line(attempt, one) for one in given]
    if any(n >= other for (n, _), (other, _) in itertools.pairwise(found)):
        raise Invalid("The lines' numbers must increase.")
    return dict(found)


def _line(attempt: int, given: object) -> tuple[int, Line]:
    if not isinstance(given, Mapping) or given.get("stream") not in STREAMS or not isinstance(given.get("text"), str):
        raise Invalid(f"A line must have a number n, a stream ({', '.join(STREAMS)}) and a text.")
    text = given["text"][:LONGEST]
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    n = names.whole_number(given.get("n"), "line's number", 1, 10**9)
    return n, Line(f"{attempt}:{n}", str(given["stream"]), text)


def _redacted(job: Job, lines: Iterable[Line]) -> list[Line]:
    patterns = redacting.patterns(job)
    return [line._replace(text=redaction.without(line.text, patterns)) for line in lines]


def tell_capacities(node: str, has: object, slots: object) -> dict[str, Any]:
    """Save what a node says it has for running commands: names, and how many run at once. It never grants anything."""
    if not isinstance(has, list) or len(has) > MOST_NAMES or not all(_is_name(one) for one in has):
        raise Invalid(f"What a node has must be a list of at most {MOST_NAMES} names such as 'docker'.")
    told = {"has": sorted(set(has)), "slots": names.whole_number(slots, "number of slots", 1, MOST_SLOTS)}
    with transaction():
        found = nodes.find(node)
        if found is not None and found.capacities != told:
            nodes.change(node, capacities=told)
    return told


def _is_name(given: object) -> bool:
    return isinstance(given, str) and NAME.fullmatch(given) is not None
