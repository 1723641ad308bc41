"""A job as a conversation shows it: its state, what it waits for, its output."""

import itertools
import json
import time
from dataclasses import dataclass
from typing import Any

from pillar_service.core import durations
from pillar_service.core.jobs.jobs import OVER, JobState
from pillar_service.core.nodes.presence import is_silent
from pillar_service.settings import settings
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.nodes import standings
from pillar_service.usecases.jobs import jobs as bots_jobs
from pillar_service.usecases.jobs import parts, queue
from pillar_service.usecases.meeseeks import challenges, looking, targets

TAIL = 20
MOST_FILED = 200_000
"""How many lines of each place go into a file."""

MOST_BYTES = 20 << 20
"""How many bytes of all places go into a file: each may have JOB_BYTES, and the file is in memory several times."""

MORE = "… and {count} more lines, for which there is no room here."


@dataclass(frozen=True)
class Seen:
    """A job: ``places`` are (node, state), ``waits_for`` is as from challenges.waiting, ``seconds`` is how long it ran.

    ``is_previewing`` says that the job whose output is shown before the answer still runs; ``waits`` says why nothing
    of that job runs or, once nobody has to answer, of this one.
    """

    id: str
    command: str
    actor: str
    state: JobState
    arguments: dict[str, Any]
    nodes: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    waits_for: dict[str, Any] | None
    error: str
    seconds: float
    count: int
    is_private: bool
    is_always_filed: bool
    waits: str
    is_previewing: bool

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in OVER

    @property
    def mark(self) -> str:
        """A text that differs whenever what is shown does."""
        waits = (self.waits_for or {}).get("kind"), (self.waits_for or {}).get("yes")
        return json.dumps([self.state, self.places, waits, self.count, self.waits, self.is_previewing])


def seen(id: str, preview: str | None = None) -> Seen | None:
    """A job as it stands now, with its preview's job; None if it is gone."""
    job = jobs.find(id)
    if job is None:
        return None
    its, plan = jobs.parts_or_itself(job), job.plan or queue.NOTHING
    before = jobs.find(preview) if preview else None
    shown_first = jobs.parts_or_itself(before) if before is not None and before.state not in OVER else []
    is_asked = job.state == JobState.ASKED
    return Seen(
        id=job.id,
        command=job.command,
        actor=job.actor,
        state=JobState(job.state),
        arguments=job.arguments,
        nodes=tuple(plan.get("nodes", ())),
        places=() if is_asked else tuple((parts.place(one), str(one.state)) for one in its),
        waits_for=challenges.waiting(job.id) if is_asked else None,
        error=job.error or "",
        seconds=_ran_for(its),
        count=outputs.line_count_of_all(job.id),
        is_private=looking.is_private(job),
        is_always_filed=plan["output"]["file"],
        waits=_why_waiting(shown_first or its),
        is_previewing=bool(shown_first),
    )


def _ran_for(its: list[Job]) -> float:
    """How many seconds passed from its first start to its last end; 0 if it never began, or is not over."""
    began = [one.started_at for one in its if one.started_at is not None]
    return max(0.0, max(one.ended_at or 0.0 for one in its) - min(began)) if began else 0.0


def _why_waiting(its: list[Job]) -> str:
    """Why nothing of it runs yet, for want of a master or of its nodes; empty if something runs, or only waits its turn."""
    if not its or any(one.state not in (JobState.QUEUED, JobState.CLAIMED) for one in its):
        return ""
    no_master = bots_jobs.waits(str(its[0].state))
    nodes = [one.node for one in its if one.node and one.state == JobState.QUEUED]
    stands, now = standings.of(nodes), time.time()
    away = [node for node in nodes if node in stands and is_silent(stands[node].presence, now)]
    if no_master or not away or len(away) < len(its):
        return no_master
    within = durations.words(settings().chat_deadline_s)
    are, come = ("is", "it comes") if len(away) == 1 else ("are", "they come")
    return f"{targets.told(away)} {are} away: the job begins there if {come} back within {within}."


@dataclass(frozen=True)
class Preview:
    """The lines of a finished preview from each place, and where it failed: (place, why)."""

    lines: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    is_private: bool


def previewed(id: str | None, is_askers: bool) -> Preview | None:
    """The output of a preview (its job's id); None if there is none, or it is not over.

    Of a private one only that it is private, unless ``is_askers``.
    """
    job = jobs.find(id) if id else None
    if job is None or job.state not in OVER:
        return None
    if looking.is_private(job) and not is_askers:
        return Preview((), (), True)
    its = jobs.parts_or_itself(job)
    failed = ((parts.place(one), one.error or str(one.state)) for one in its if one.state != JobState.SUCCEEDED)
    return Preview(tuple(output(job.id)), tuple(failed), looking.is_private(job))


def was_previewed(mark: str | None) -> bool:
    """Whether a conversation that showed this (a mark) had shown the whole preview."""
    return mark is not None and not json.loads(mark)[-1]


def tail(id: str) -> list[str]:
    """The last lines of a job, a few from each place; with several places, each line says where it comes from."""
    job = jobs.find(id)
    its = jobs.parts_or_itself(job) if job is not None else []
    each = max(3, TAIL // max(len(its), 1))
    return [line for one in its for line in _placed(one, its, max(0, outputs.line_count(one.id) - each), each)][-TAIL:]


def output(id: str) -> list[str]:
    """The whole output of a job that is over: its lines, or what it returned if it has none.

    With many places, as much of each as there is room for.
    """
    job = jobs.find(id)
    its = jobs.parts_or_itself(job) if job is not None else []
    found, room = list[str](), MOST_BYTES
    for places_left, one in zip(range(len(its), 0, -1), its, strict=True):
        lines = _lines(one, 0, MOST_FILED)
        kept = _fitting(lines, room // places_left)
        room -= sum(map(_size, lines[:kept]))
        more = [MORE.format(count=len(lines) - kept)] if kept < len(lines) else []
        found += _named([*lines[:kept], *more], one, its)
    return found


def _fitting(lines: list[str], room: int) -> int:
    """How many of these lines there is room for."""
    sizes = itertools.accumulate(map(_size, lines))
    return sum(size <= room for size in sizes)


def _size(line: str) -> int:
    return len(line.encode(errors="replace")) + 1


def _placed(one: Job, its: list[Job], after: int, most: int) -> list[str]:
    return _named(_lines(one, after, most), one, its)


def _named(lines: list[str], one: Job, its: list[Job]) -> list[str]:
    return [f"{parts.place(one)}: {line}" for line in lines] if len(its) > 1 else lines


def _lines(job: Job, after: int, most: int) -> list[str]:
    lines = [line.text for line in outputs.lines(job.id, after, most)]
    return lines or looking.returned(job)
