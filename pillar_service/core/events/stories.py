"""Stories: a node's events in the order in which they happened, with missing ones shown as missing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pillar_service.core.events.events import Kind


@dataclass(frozen=True)
class Line:
    """A line of a story: an event, a hole (``count`` missing numbers from ``first`` to ``last``), or consecutive reports.

    ``why`` says of a hole whether the node reported the loss.
    """

    what: str
    epoch: int
    first: int
    last: int
    count: int
    event: Any = None
    why: str = ""


EVENT, HOLE, REPORTS = "event", "hole", "reports"
LOST = "the node could not keep them: {reason}"
UNTOLD = "not here: still on the node, refused, or forgotten since"


@dataclass(frozen=True)
class Lost:
    """A gap that a node reported."""

    epoch: int
    first: int
    last: int
    reason: str


def told(events: Sequence[Any], losses: Iterable[Lost], before: tuple[int, int] | None) -> list[Line]:
    """The lines for events that are given in order; ``before`` is the epoch and sequence of the event before them, if any.

    Each event has ``epoch``, ``sequence`` and ``kind``. Consecutive health reports are folded into one line.
    """
    known = list(losses)
    return list(_folded(_with_holes(events, known, before)))


def _with_holes(events: Sequence[Any], known: list[Lost], before: tuple[int, int] | None) -> Iterator[Line]:
    for event in events:
        last = before[1] if before is not None and before[0] == event.epoch else 0
        if event.sequence > last + 1:
            yield _hole(event.epoch, last + 1, event.sequence - 1, known)
        yield Line(EVENT, event.epoch, event.sequence, event.sequence, 1, event)
        before = event.epoch, event.sequence


def _hole(epoch: int, first: int, last: int, known: list[Lost]) -> Line:
    reasons = {one.reason for one in known if one.epoch == epoch and one.first <= last and one.last >= first}
    why = LOST.format(reason=", ".join(sorted(reasons))) if reasons else UNTOLD
    return Line(HOLE, epoch, first, last, last - first + 1, why=why)


def _folded(lines: Iterable[Line]) -> Iterator[Line]:
    held: Line | None = None
    for line in lines:
        is_report = line.what == EVENT and line.event.kind == Kind.HEALTH
        if held is not None and is_report and held.epoch == line.epoch:
            held = Line(REPORTS, held.epoch, held.first, line.last, held.count + 1, line.event)
            continue
        if held is not None:
            yield held
        held = line if is_report else None
        if not is_report:
            yield line
    if held is not None:
        yield held
