"""Events: what nodes report. Each is kept once, and in the same transaction passed on to the hearer of its type."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.events import events as rules
from pillar_service.core.events import submission
from pillar_service.core.events.events import Kind, Severity
from pillar_service.core.events.gaps import Gap
from pillar_service.core.events.submission import Submission, event_id
from pillar_service.core.nodes.facts import EVENT_TYPE as FACTS
from pillar_service.core.nodes.signatures import Request
from pillar_service.store.events import events, forgotten, held
from pillar_service.store.nodes import nodes
from pillar_service.usecases.bots import health, reports
from pillar_service.usecases.events import forgetting
from pillar_service.usecases.jobs import results
from pillar_service.usecases.nodes import facts, presence
from pillar_service.usecases.service.grouping import Group

MOST_EVENTS = 1000
LARGEST = 1 << 20
"""The most characters of an event's data as stored: escaping makes at most three of each byte that a spool accepts."""

MOST_BATCHES = 16
"""How many batches share a commit: writing so many large ones takes a second, and other writers wait for five."""

GAP = Kind.GAP
"""A constant of its own: looking it up in its class for each event takes longer than comparing it."""

UNHEARD = events.Reached()

WRITER = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False)
"""Made once, as `json.dumps` would make one for each event. Data read from JSON has no circular references."""

PRESENCE = f"{rules.OURS}presence."
"""The prefix of the types that only the service itself may report."""

STALE = "This request is older than one that was already taken: send what is waiting in a new one."
ONLY_HEALTH = "This token is only good for health reports: sign the request with the minion's key."


@dataclass(frozen=True)
class Hearer:
    """What acts on events of one type.

    ``read`` returns what matters of an event's data; if it raises Invalid, the event is refused for good. ``hear`` gets
    a node and the ids and data of its new events, and returns what it refused of them: [{"id", "why"}]. ``kept``
    returns what to store of what ``read`` returned.
    """

    read: Callable[[Any], Any]
    hear: Callable[[str, list[tuple[str, Any]], float], list[dict[str, str]]]
    kept: Callable[[Any], Any] = lambda heard: heard


def _nobody(_node: str, _told: list[tuple[str, Any]], _now: float) -> list[dict[str, str]]:
    return []


HEARERS: dict[str, Hearer] = {
    health.EVENT_TYPE: Hearer(reports.read, health.hear),
    FACTS: Hearer(facts.read, facts.hear),
    submission.GAP: Hearer(lambda data: Gap.read(data).data(), _nobody),
    submission.JOB_RESULT: Hearer(results.read, results.hear, results.kept),
}
"""The hearer of each type; other types have none."""


class Told(NamedTuple):
    """An event that can be kept: its id, the event, its kind, what its hearer gets, and its columns (`_row`)."""

    id: str
    event: Submission
    kind: Kind
    data: Any
    columns: tuple[Any, ...]


@dataclass
class Batch:
    """One batch of a node, parsed: the good events by id, the refused ones, and those in the old form."""

    node: str
    good: dict[str, Told] = field(default_factory=dict)
    refused: list[dict[str, str]] = field(default_factory=list)
    of_old: list[Any] = field(default_factory=list)

    @cached_property
    def epochs(self) -> dict[int, int]:
        """The lowest sequence of each epoch among the good events."""
        found: dict[int, int] = {}
        for told in self.good.values():
            epoch, sequence, *_ = told.event
            if sequence < found.get(epoch, submission.MOST_NUMBER + 1):
                found[epoch] = sequence
        return found


Given = tuple[Batch, float, float | None, Request | None]
"""A batch, when it came, how far its node's clock is ahead (seconds), and the signed request that it came in."""


def take(
    node: str,
    batch: object,
    is_signed: bool = True,
    offset_s: float | None = None,
    request: Request | None = None,
) -> dict[str, list[Any]]:
    """Take CloudEvents from an authenticated node: {"accepted": [id], "refused": [{"id", "why"}]}.

    Accepted events are on disk; sending them again changes nothing. Refused ones will never be accepted, and don't
    affect the others. Without a signed request (``is_signed``), only health reports are taken. ``offset_s``: how many
    seconds the node's clock is ahead of ours, according to the request; ``request``: the signed request itself. Raises
    Invalid for anything but a batch, Conflict for a stale request.
    """
    if not isinstance(batch, list) or len(batch) > MOST_EVENTS:
        raise Invalid(f"Send a batch: a JSON list of at most {MOST_EVENTS} CloudEvents.")
    read = Batch(node)
    for raw in batch:
        _read(read, raw, is_signed)
    parts = _together.do((read, time.time(), offset_s, request)) if read.good or read.refused else []
    if parts is None:
        raise Conflict(STALE)
    old = health.take(node, read.of_old) if read.of_old else {"accepted": [], "refused": []}
    return {"accepted": [*read.good, *old["accepted"]], "refused": [*read.refused, *parts, *old["refused"]]}


def _read(batch: Batch, raw: object, is_signed: bool) -> None:
    id = raw.get("id") if isinstance(raw, dict) else None
    try:
        if not isinstance(raw, dict):
            raise Invalid("An event must be an object.")
        if not is_signed and raw.get("type") != health.EVENT_TYPE:
            raise Invalid(ONLY_HEALTH)
        if not is_signed and "cellarsequence" not in raw:
            batch.of_old.append(raw)
            return
        told = _told(batch.node, raw)
        batch.good[told.id] = told
    except Invalid as error:
        batch.refused.append({"id": id if isinstance(id, str) else names.shown(id), "why": error.sentence})


def _told(node: str, raw: Mapping[str, Any]) -> Told:
    event = Submission.read(raw)
    if raw.get("specversion") != "1.0":
        raise Invalid("It is not a CloudEvent 1.0.")
    # The event's own source and id decide nothing, but if they are wrong, its node should learn of that fault.
    id = event_id(node, event.epoch, event.sequence)
    if raw.get("source") != node or raw.get("id") != id:
        raise Invalid(f"The event says that it is {names.shown(raw.get('id'))}, but {node} sent it.")
    if event.type.startswith(PRESENCE):
        raise Invalid("Only the service may say whether a node is there.")
    kind = rules.kind_of(event.type)
    hearer = HEARERS.get(event.type)
    heard = event.data if hearer is None else hearer.read(event.data)
    written = _written(heard if hearer is None else hearer.kept(heard))
    return Told(id, event, kind, heard, _columns(event, kind, rules.severity_of(event.type, heard), written))


def _columns(one: Submission, kind: Kind, severity: Severity, written: str) -> tuple[Any, ...]:
    """The columns of an event but for its node, its account and when it came: made before other writers have to wait."""
    return (
        *(one.epoch, one.sequence, str(kind), one.type, one.subject, one.stream, int(one.priority), int(severity)),
        *(one.at, one.mono, one.boot, int(one.is_synced), written),
    )


def _written(data: Any) -> str:
    try:
        text = WRITER.encode(data)
    except (ValueError, RecursionError) as error:
        raise Invalid("Its data can't be kept as JSON.") from error
    if len(text) > LARGEST:
        raise Invalid(f"Its data is too large: {len(text)} characters as JSON; at most {LARGEST} are kept.")
    return text


def _keep(batch: Batch, now: float, offset_s: float | None, request: Request | None) -> list[dict[str, str]] | None:
    """Keep the good events and pass them to their hearers, in the caller's transaction; returns what hearers refused.

    Returns None for a stale request: nothing of it is kept.
    """
    reached = events.reached(batch.node, {*batch.epochs, *((request.epoch,) if request else ())})
    if request and request.is_stale(reached[request.epoch].request):
        return None
    account = nodes.account(batch.node)
    fresh = _added(batch, account, now, reached)
    progress = _progress(batch, fresh.values(), request)
    events.came(batch.node, progress, now)
    if any(reached.get(epoch, UNHEARD) == UNHEARD for epoch, *_ in progress):
        events.forget_epochs(batch.node)
    if not fresh:  # all of them repeated, by whomever: that does not show that the node is alive
        return []
    size = held.add(batch.node, sum(len(told.columns[-1]) + held.AROUND for told in fresh.values()))
    forgetting.make_room(batch.node, size, now)
    presence.heard(batch.node, account, [told.event for told in fresh.values()], now, offset_s)
    nodes.change(batch.node, last_seen=now)
    return _let_hear(batch.node, fresh, now)


def _added(batch: Batch, account: str | None, now: float, reached: Mapping[int, events.Reached]) -> dict[str, Told]:
    """Add the events that were never kept before, not even those since forgotten; returns them by id."""
    if all(first > reached[epoch].highest for epoch, first in batch.epochs.items()):  # nearly always
        events.add(_row(batch.node, account, told, now) for told in batch.good.values())
        return batch.good
    marks = forgotten.marks(batch.node, batch.epochs)
    unknown = (
        told
        for told in batch.good.values()
        if told.event.sequence > marks.get((told.event.epoch, told.event.stream), 0)
    )
    new = events.add_new(_row(batch.node, account, told, now) for told in unknown)
    return {id: told for id, told in batch.good.items() if told.event[:2] in new}


def _keep_all(given: list[Given]) -> list[list[dict[str, str]] | None]:
    return [_keep(*one) for one in given]


_together: Group[Given, list[dict[str, str]] | None] = Group(_keep_all, MOST_BATCHES)


def _row(node: str, account: str | None, told: Told, now: float) -> tuple[Any, ...]:
    return (node, account, now, *told.columns)


def _progress(
    batch: Batch, fresh: Iterable[Told], request: Request | None
) -> list[tuple[int, int, int, int, int, int]]:
    """By epoch: the highest sequence, the counts of newly kept, refused and lost events, and the request's number."""
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for told in fresh:
        epoch, sequence, *_ = told.event
        count = found[epoch]
        count[0], count[1] = sequence if sequence > count[0] else count[0], count[1] + 1
        if told.kind is GAP:
            found[told.data["epoch"]][3] += told.data["count"]
    for one in batch.refused:
        if place := _place(batch.node, one["id"]):
            count = found[place[0]]
            count[0], count[2] = max(count[0], place[1]), count[2] + 1
    if request:
        found[request.epoch][4] = request.number
    return [(epoch, *count) for epoch, count in found.items()]  # type: ignore[misc]


def _place(node: str, id: str) -> tuple[int, int] | None:
    """The epoch and sequence in an event id of this node; None if there are none."""
    before, _, sequence = id.rpartition("/")
    of, _, epoch = before.rpartition("/")
    try:
        numbers = [names.whole_number(one, "place", 1, submission.MOST_NUMBER) for one in (epoch, sequence)]
    except Invalid:
        return None
    return (numbers[0], numbers[1]) if of == node else None


def _let_hear(node: str, fresh: Mapping[str, Told], now: float) -> list[dict[str, str]]:
    parts: list[dict[str, str]] = []
    types = {told.event.type for told in fresh.values()}
    for type, hearer in HEARERS.items():
        if type in types:
            heard = [(id, one.data) for id, one in fresh.items() if one.event.type == type]
            parts += hearer.hear(node, heard, now)
    return parts
