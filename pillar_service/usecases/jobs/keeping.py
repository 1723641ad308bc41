"""Keeping the lines of jobs, up to JOB_LINES and JOB_BYTES; lines beyond that are only counted."""

from collections.abc import Sequence

from pillar_service.settings import settings
from pillar_service.store.jobs import outputs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.jobs.outputs import JobOutput, Line


def keep(job: Job, attempt: int, taken: int, lines: Sequence[Line], now: float) -> None:
    """Keep as many new lines of an attempt as there is room for, and note its progress, in the caller's transaction.

    ``taken`` is the number of the last line. The beginning stays complete: after the first line that has no room, none
    is kept.
    """
    known = outputs.of_job(job.id)
    kept = _with_room(known, lines)
    mine = next((one for one in known if one.attempt == attempt), None)
    outputs.put(
        job.id,
        attempt,
        taken=taken,
        kept=(mine.kept if mine else 0) + len(kept),
        kept_bytes=(mine.kept_bytes if mine else 0) + sum(_size(line) for line in kept),
        dropped=(mine.dropped if mine else 0) + len(lines) - len(kept),
    )
    if kept:
        outputs.add_lines(job.id, kept, now)


def _with_room(known: Sequence[JobOutput], lines: Sequence[Line]) -> list[Line]:
    room = settings().job_lines - sum(one.kept for one in known)
    room_bytes = settings().job_bytes - sum(one.kept_bytes for one in known)
    if any(one.dropped for one in known):
        return []
    kept: list[Line] = []
    for line in lines:
        room_bytes -= _size(line)
        if len(kept) >= room or room_bytes < 0:
            break
        kept.append(line)
    return kept


def _size(line: Line) -> int:
    return len(line.text.encode())
