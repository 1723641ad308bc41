"""Gaps: what a node's spool could not keep, sent like any other event, so that every loss is known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from pillar_service.core import names
from pillar_service.core.events import submission
from pillar_service.core.events.submission import MOST_NUMBER, Priority

STREAM = "gaps"
OTHERS = "others"
"""The stream under which losses are summed up when too many streams have losses."""


class Reason(StrEnum):
    """Why events were dropped."""

    FULL = "full"
    AGE = "age"
    UNANSWERED = "unanswered"
    """Too old like ``age``, but sent once: the service may have them, though its answer never came."""
    BROKEN = "broken"
    """The spool's file became unreadable: nobody knows what was lost; first, last and count are 0."""


@dataclass(frozen=True)
class Gap:
    """``count`` lost events of one stream and priority, with sequences from ``first`` to ``last`` (others may lie between)."""

    epoch: int
    first: int
    last: int
    count: int
    reason: Reason
    stream: str
    priority: Priority

    def data(self) -> dict[str, Any]:
        """The gap as the data of an event."""
        return {**asdict(self), "reason": str(self.reason), "priority": int(self.priority)}

    @classmethod
    def read(cls, data: object) -> Self:
        """The gap in an event's data, read strictly; raises Invalid."""
        told = data if isinstance(data, Mapping) else {}
        numbers = {
            name: names.whole_number(told.get(name), name, 0, MOST_NUMBER) for name in ("first", "last", "count")
        }
        return cls(
            epoch=names.whole_number(told.get("epoch"), "epoch", 0, MOST_NUMBER),
            reason=names.one_of(Reason, told.get("reason"), "reason for a gap"),
            stream=submission.stream(told.get("stream")),
            priority=submission.priority(told.get("priority")),
            **numbers,
        )
