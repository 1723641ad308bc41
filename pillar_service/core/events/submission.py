"""Submissions: events on their way from a node to the service, as both sides understand them.

An event is identified by its node, its epoch and its sequence, and the service keeps each one once. An epoch is one
life of the node's spool: it begins with a new file or a new boot, so that a disk restored from an old copy never reuses
a number. The sequence grows within the epoch. The sender is whoever signed the request (``core.nodes.signatures``),
whatever the event says. Times are the node's own: they are shown, but nothing is decided by them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, Self

from pillar_service.core import names
from pillar_service.core.errors import Failed, Invalid

OURS = "nz.butt."
"""The prefix of our own types, which nobody else may submit."""

GAP = "nz.butt.saltcellar.spool.gap"
JOB_RESULT = "nz.butt.saltcellar.job.result"

TYPE = re.compile(r"[a-z][a-z0-9-]{0,62}(?:\.[a-z0-9][a-z0-9-]{0,62}){1,9}", re.ASCII)
SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
STREAM = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)

MEDIA_TYPE = "application/cloudevents-batch+json"
LARGEST = 240 << 10
"""The most bytes of one event's data, as JSON: with its attributes it still fits into a batch."""
BATCH_BYTES = 256 << 10
"""The most bytes of a batch, as JSON, before compression."""
BATCH_EVENTS = 500
MOST_NUMBER = 2**31 - 1
"""The highest epoch or sequence: integers in CloudEvents have 32 bits (specification 1.0, "Type System")."""
SUBJECT_LENGTH = 200
FIRST_AT, LAST_AT = (datetime(year, *day, tzinfo=UTC).timestamp() for year, day in ((1, (1, 1)), (9999, (12, 31))))
"""The earliest and latest time that an event may have: others might not be a valid date in some time zone."""


class Lifecycle(StrEnum):
    """Types of the events about a node itself."""

    START = "nz.butt.saltcellar.lifecycle.start"
    STOP = "nz.butt.saltcellar.lifecycle.stop"
    ALIVE = "nz.butt.saltcellar.lifecycle.alive"
    UPGRADE = "nz.butt.saltcellar.lifecycle.upgrade"
    CLOCK = "nz.butt.saltcellar.lifecycle.clock"
    CONVERGED = "nz.butt.saltcellar.lifecycle.converged"
    NOT_CONVERGED = "nz.butt.saltcellar.lifecycle.not-converged"


class Priority(IntEnum):
    """How important an event is: when there is no room, the least important are dropped first."""

    VITAL = 0
    """Security and lifecycle: room is reserved for these, and they are never dropped."""
    HIGH = 1
    NORMAL = 2
    LOW = 3
    BULK = 4


class Submission(NamedTuple):
    """One event. ``at``: Unix seconds, reliable if ``is_synced``; ``mono``: seconds since the boot with the id ``boot``.

    A tuple, because creating a frozen dataclass of eleven fields takes three times as long, for every event that comes in.
    """

    epoch: int
    sequence: int
    type: str
    subject: str
    stream: str
    priority: Priority
    at: float
    mono: float
    boot: str
    is_synced: bool
    data: Any

    def event(self, node: str) -> dict[str, Any]:
        """The event as a CloudEvent (specification 1.0) from that node."""
        return {
            "specversion": "1.0",
            "id": event_id(node, self.epoch, self.sequence),
            "source": node,
            "type": self.type,
            "subject": self.subject,
            "time": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="microseconds"),
            "datacontenttype": "application/json",
            "cellarepoch": self.epoch,
            "cellarsequence": self.sequence,
            "cellarstream": self.stream,
            "cellarpriority": int(self.priority),
            # CloudEvents attributes can't be fractional numbers: this one is sent as text.
            "cellarmono": f"{self.mono:.6f}",
            "cellarboot": self.boot,
            "cellarsynced": self.is_synced,
            "data": self.data,
        }

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Self:
        """Read a CloudEvent strictly, with its extension attributes; raises Invalid. Its ``id`` and ``source`` are ignored."""
        epoch = names.whole_number(event.get("cellarepoch"), "cellarepoch", 1, MOST_NUMBER)
        sequence = names.whole_number(event.get("cellarsequence"), "cellarsequence", 1, MOST_NUMBER)
        type, about, stream, priority, boot, is_synced = _alike(event)
        at, mono = _at(event.get("time")), _seconds(event.get("cellarmono"))
        return cls(epoch, sequence, type, about, stream, priority, at, mono, boot, is_synced, event.get("data"))


@dataclass(frozen=True)
class Answer:
    """The service's answer to a batch, by event id: what it committed, and why it will never accept the others."""

    accepted: frozenset[str]
    refused: Mapping[str, str]

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Read an answer strictly; raises Failed. An id in both lists counts as accepted."""
        accepted, refused = answer.get("accepted"), answer.get("refused")
        if not isinstance(accepted, list) or not isinstance(refused, list):
            raise Failed("The service's answer does not say what it accepted and what it refused.")
        taken = frozenset(one for one in accepted if isinstance(one, str))
        entries = [one for one in refused if isinstance(one, Mapping)]
        whys = {one.get("id"): str(one.get("why") or one.get("reason") or "") for one in entries}
        return cls(taken, {id: why for id, why in whys.items() if isinstance(id, str) and id not in taken})


ALIKE = ("type", "subject", "cellarstream", "cellarpriority", "cellarboot", "cellarsynced")
"""Attributes that most events of a node have in common."""

Alike = tuple[str, str, str, Priority, str, bool]
_alike_of = itemgetter(*ALIKE)


def _alike(event: Mapping[str, Any]) -> Alike:
    try:
        return _known(*_alike_of(event))
    except (KeyError, TypeError):  # one is missing, or is a list or an object, which can't be cached
        return _known.__wrapped__(*map(event.get, ALIKE))


@lru_cache(4096, typed=True)
def _known(type: object, about: object, stream_: object, priority_: object, boot: object, is_synced: object) -> Alike:
    """Check the shared attributes once, not for each event, of whose cost that would be half. Refusals are not cached."""
    chosen = event_type(type), subject(about), stream(stream_), priority(priority_)
    return *chosen, names.text(boot, "cellarboot", 64), _boolean(is_synced)


def event_id(node: str, epoch: int, sequence: int) -> str:
    """The id of an event."""
    return f"{node}/{epoch}/{sequence}"


def event_type(value: object) -> str:
    """The value, if it is a valid event type; raises Invalid."""
    if isinstance(value, str) and TYPE.fullmatch(value):
        return value
    raise Invalid(f"{names.shown(value)} can't be an event's type: write it as 'org.example.backup.done'.")


def foreign_type(value: object) -> str:
    """The value, if it is a valid event type that is not one of ours; raises Invalid."""
    if (kind := event_type(value)).startswith(OURS):
        raise Invalid(f"Types that begin with '{OURS}' are Saltcellar's own: use a domain of yours.")
    return kind


def subject(value: object) -> str:
    """The value, if it is a valid subject: one line, not empty; raises Invalid."""
    if chosen := names.text(value, "subject", SUBJECT_LENGTH):
        return chosen
    raise Invalid("The subject is empty: say what the event is about.")


def stream(value: object) -> str:
    """The value, if it is a valid stream name; raises Invalid."""
    if isinstance(value, str) and STREAM.fullmatch(value):
        return value
    raise Invalid(f"{names.shown(value)} can't be a stream: use 1 to 64 lower-case letters, digits, dots and hyphens.")


def priority(value: object, dearest: Priority = Priority.VITAL) -> Priority:
    """The value as a priority, if it is a number from ``dearest`` to 4; raises Invalid."""
    return Priority(names.whole_number(value, "priority", dearest, Priority.BULK))


def _at(value: object) -> float:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid(f"The time must be in RFC 3339's form, with its zone, not {names.shown(value)}.")
    at = moment.timestamp()
    if not FIRST_AT <= at <= LAST_AT:
        raise Invalid(f"The time must be in a year from 1 to 9999, in UTC, not {names.shown(value)}.")
    return at


def _seconds(value: object) -> float:
    if isinstance(value, str) and SECONDS.fullmatch(value):
        return float(value)
    raise Invalid(f"cellarmono must be seconds, written as '123.456', not {names.shown(value)}.")


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Invalid(f"cellarsynced must be true or false, not {names.shown(value)}.")
