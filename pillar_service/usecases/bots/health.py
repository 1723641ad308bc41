"""Health: what nodes report about themselves and their bots.

`events.take` passes reports to `hear`; `take` accepts the older form of report, without an epoch and a sequence.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent

from pillar_service.core import names
from pillar_service.core.bots import health
from pillar_service.core.errors import Invalid
from pillar_service.store.database import transaction
from pillar_service.store.nodes import nodes
from pillar_service.usecases.bots import reports
from pillar_service.usecases.bots.hearing import Hearing
from pillar_service.usecases.nodes import fleet, presence

EVENT_TYPE = health.EVENT_TYPE
MOST_EVENTS = 1000
OF_EACH = {"id", "time", "data"}
USUAL = {"specversion": "1.0", "type": EVENT_TYPE, "datacontenttype": "application/json", "source": ""}
"""The attributes that differ from event to event (OF_EACH), and those that are the same in all events of a node.

The ``source`` is the node's name.
"""


def take(node: str, events: object) -> dict[str, list[Any]]:
    """Take a batch of CloudEvents from an authenticated node; returns {"accepted": [id], "refused": [{id, why}]}.

    What is accepted is on disk. Sending an event again changes nothing; a bad event does not spoil the others.
    """
    if not isinstance(events, list) or len(events) > MOST_EVENTS:
        raise Invalid(f"Send a batch: a JSON list of at most {MOST_EVENTS} CloudEvents.")
    good: list[tuple[str, Mapping[str, Any]]] = []
    refused: list[dict[str, str]] = []
    for raw in events:
        id = raw.get("id") if isinstance(raw, Mapping) else None
        try:
            good.append((str(id), _event(raw, node)))
        except Invalid as error:
            refused.append({"id": str(id)[:200], "why": error.sentence})
    if good:
        refused += _take(node, good, time.time())
    return {"accepted": [id for id, _ in good], "refused": refused}


def _event(raw: object, node: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise Invalid("An event must be an object.")
    if not _is_usual(raw, node):
        _check(raw, node)
    return reports.read(raw.get("data"))


def _is_usual(raw: Mapping[str, Any], node: str) -> bool:
    """Whether this is a CloudEvent exactly as nodes send it; a full check takes longer than reading the report itself."""
    id, at = raw.get("id"), raw.get("time")
    if raw.keys() - OF_EACH != USUAL.keys() or {**USUAL, "source": node} != {name: raw[name] for name in USUAL}:
        return False
    try:
        is_dated = isinstance(at, str) and datetime.fromisoformat(at).tzinfo is not None
    except ValueError:
        return False
    return is_dated and isinstance(id, str) and id.startswith(f"{node}/")


def _check(raw: Mapping[str, Any], node: str) -> None:
    attributes = {key: value for key, value in raw.items() if key != "data"}
    try:
        if "time" in attributes:
            attributes["time"] = datetime.fromisoformat(str(attributes["time"]))
        event = CloudEvent(attributes)
    except (CloudEventValidationError, ValueError, TypeError) as error:
        raise Invalid(f"It is not a CloudEvent 1.0: {names.shown(str(error))}.") from error
    if event.get_type() != health.EVENT_TYPE:
        raise Invalid(f"The type {names.shown(event.get_type())} is not known.")
    if event.get_source() != node or not str(event.get_id()).startswith(f"{node}/"):
        raise Invalid(f"The event says that it is from {names.shown(event.get_source())}, but {node} sent it.")


def _take(node: str, good: list[tuple[str, Mapping[str, Any]]], now: float) -> list[dict[str, str]]:
    with transaction():
        presence.reported(node, nodes.account(node), now)
        nodes.change(node, last_seen=now)
        return hear(node, good, now)


def hear(node: str, told: list[tuple[str, Any]], now: float) -> list[dict[str, str]]:
    """Keep what these reports say, in the caller's transaction; returns what was refused, by event id, and why."""
    hearing = Hearing(node, now)
    refused = [{"id": id, "why": why} for id, data in told for report in data["bots"] if (why := hearing.hear(report))]
    hearing.keep()
    facts = told[-1][1]["node"]
    # The node may not have heard of its newest bots yet, so whether a container is unlisted is decided here.
    unlisted = [name for name in facts["unlisted"] if name.rpartition("-")[2] not in hearing.placed]
    nodes.change(node, facts={**facts, "unlisted": unlisted})
    fleet.note(now)
    return refused
