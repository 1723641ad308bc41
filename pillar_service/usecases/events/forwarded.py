"""What is forwarded: a forwarding's next batch, as CloudEvents or as lines for people, and what was lost before it."""

import json
from dataclasses import dataclass, replace
from typing import Any

from pillar_service.core.events import digests, forwarding
from pillar_service.core.events.digests import Line
from pillar_service.core.events.events import Filter, Severity
from pillar_service.core.events.submission import Priority, Submission
from pillar_service.settings import settings
from pillar_service.store.events import events
from pillar_service.store.events.events import Event, Which
from pillar_service.store.events.forwardings import Forwarding

LETTER_EVENTS = 10_000
"""How many events one mail or message covers, at most."""


@dataclass(frozen=True)
class Batch:
    """The events after a forwarding's cursor, up to ``end``.

    ``count`` is how many they are (a mail shows fewer), ``lost`` how many were lost before them. With ``test``, the id
    of a test, the batch is only that test.
    """

    end: int
    events: list[Event]
    count: int
    lost: int = 0
    test: str | None = None


def which(one: Forwarding) -> Which:
    """The events that are still to be forwarded."""
    return Which(Filter.read(**one.filter), one.account, one.cursor)


def batch(one: Forwarding) -> Batch:
    """The next batch; without events (and nothing lost), no event matches up to its ``end``."""
    if one.test is not None:
        return Batch(one.cursor, [], 0, test=one.test)
    top = max(events.newest(), one.cursor)  # read first: what arrives in the meantime is for the next batch
    return _of_letter(one, top) if one.way != forwarding.Way.WEBHOOK else _of_webhook(one, top)


def _of_webhook(one: Forwarding, top: int) -> Batch:
    wanted, end = which(one), one.batch_end
    if end is None:
        sizes = events.sizes(wanted, forwarding.BATCH_EVENTS)
        count = forwarding.fitting([size for _, size in sizes])
        end = sizes[count - 1][0] if count else top
    found = events.page(replace(wanted, before=end + 1), forwarding.BATCH_EVENTS, newest_first=False)
    return Batch(end, found, len(found), one.lost)


def _of_letter(one: Forwarding, top: int) -> Batch:
    count, last = events.counted(which(one), LETTER_EVENTS)
    shown = events.page(which(one), digests.SHOWN, newest_first=False)
    return Batch(top if last is None else last, shown, count, one.lost)


def body(one: Forwarding, given: Batch) -> bytes:
    """The body of a request with a batch; the same batch always gives the same body."""
    told = [_cloud_event(event) for event in given.events]
    if given.test is not None:
        said = "This is a test of where events are forwarded to."
        told = [_own(one, forwarding.TEST, given.test, {"message": said})]
    if given.lost:
        gap = {"count": given.lost, "first": one.lost_first, "last": one.lost_last, "reason": "retention"}
        told.insert(0, _own(one, forwarding.GAP, f"{one.lost_first}-{one.lost_last}-{given.lost}", gap))
    return json.dumps(told, separators=(",", ":")).encode()


def _own(one: Forwarding, type: str, id: str, data: dict[str, Any]) -> dict[str, Any]:
    """An event of the service itself about a forwarding."""
    told = {"specversion": "1.0", "id": f"{one.id}/{id}", "source": settings().address, "type": type}
    return told | {"subject": one.id, "datacontenttype": "application/json", "data": data}


def _cloud_event(event: Event) -> dict[str, Any]:
    made = Submission(
        *(event.epoch, event.sequence, event.type, event.subject, event.stream, Priority(event.priority)),
        *(event.at, event.mono, event.boot, bool(event.is_synced), event.data),
    )
    return made.event(event.node) | {
        "cellarkind": event.kind,
        "cellarseverity": Severity(event.severity).name.lower(),
        "cellarnumber": str(event.n),  # as text, since CloudEvents' integers have 32 bits
    }


def told(one: Forwarding, given: Batch, link: str) -> tuple[str, str]:
    """What people are told about a batch: a title and a text."""
    if given.test is not None:
        return "a test", f"This is a test of where events are forwarded to.\n\nAll of them: {link}\n"
    lines = [
        Line(event.received_at, Severity(event.severity).name.lower(), event.node, event.type, event.subject)
        for event in given.events
    ]
    return digests.title(given.count), digests.text(lines, given.count, given.lost, link)
