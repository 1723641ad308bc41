"""Stories: the events of nodes, as shown to people (their own nodes) and operators (all nodes)."""

import re
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.events import stories
from pillar_service.core.events.events import MOST_LISTED, Filter, Kind, Severity
from pillar_service.core.events.stories import Line, Lost
from pillar_service.core.events.submission import event_id
from pillar_service.store.events import events
from pillar_service.store.events.events import Event, Which
from pillar_service.store.nodes.nodes import Node
from pillar_service.usecases.nodes import nodes, standings

LINES, LISTED = 200, 50
MOST_LOSSES, MOST_COMINGS = 500, 500
PAGE = re.compile(r"[0-9]{1,18}", re.ASCII)
PLACE = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})", re.ASCII)

newest = events.newest
has_after = events.has_after


def listed(
    account: str | None,
    asked: Filter,
    limit: object = 100,
    before: int | None = None,
    after: int = 0,
    since: float | None = None,
    until: float | None = None,
) -> dict[str, Any]:
    """An account's events, or (None) all, newest first: {"events", "next"}.

    ``next`` is the last event's number if there are more: the next page's ``before``. Raises Invalid.
    """
    most = names.whole_number(limit, "limit", 1, MOST_LISTED)
    found = events.page(Which(asked, account, after, before, since, until), most + 1)
    return {
        "events": [described(one) for one in found[:most]],
        "next": found[most - 1].n if len(found) > most else None,
    }


def page(
    account: str | None, asked: Filter, before: str, since: float | None = None, until: float | None = None
) -> dict[str, Any]:
    """A page of an account's events, or (None) of all, after the page whose ``next`` is ``before``. Raises Invalid."""
    if before and not PAGE.fullmatch(before):
        raise Invalid("There is no such page: go back to the first one.")
    return listed(account, asked, LISTED, int(before) if before else None, since=since, until=until)


def following(account: str | None, asked: Filter, after: int, limit: int = 100) -> tuple[list[dict[str, Any]], int]:
    """The events after a number, oldest first, and the number to continue after."""
    top = events.newest()
    found = events.page(Which(asked, account, after), limit, newest_first=False)
    return [described(one) for one in found], found[-1].n if len(found) == limit else max(after, top)


def described(one: Event) -> dict[str, Any]:
    """An event as the API shows it."""
    return {
        "n": one.n,
        "id": event_id(one.node, one.epoch, one.sequence),
        "severity": Severity(one.severity).name.lower(),
        **{name: getattr(one, name) for name in SHOWN},
    }


SHOWN = (
    *("node", "kind", "type", "subject", "stream", "priority", "epoch", "sequence", "at", "mono", "boot"),
    *("is_synced", "received_at", "data"),
)


def story(account: str | None, id: object, before: str = "") -> dict[str, Any]:
    """What a node reported, in its own order, the last page first: {"node", "told", "older"}.

    ``older`` is the ``before`` of the page before it, None on the first. Raises Invalid, NotFound, also when the node
    is not of ``account`` (None: any).
    """
    node = nodes.found(id, account)
    found = events.story(node.id, _place(before), LINES + 1)
    earlier = (found[LINES].epoch, found[LINES].sequence) if len(found) > LINES else None
    shown = found[:LINES][::-1]
    lines = stories.told(shown, _losses(node), earlier)
    older = f"{shown[0].epoch}.{shown[0].sequence}" if earlier and shown else None
    return {
        "node": standings.show(node),
        "told": _with_comings(node, lines, is_first=earlier is None, is_last=not before),
        "older": older,
    }


def _place(written: str) -> tuple[int, int] | None:
    if not written:
        return None
    if (found := PLACE.fullmatch(written)) is None:
        raise Invalid("There is no such page: go back to the first one.")
    return int(found[1]), int(found[2])


def _losses(node: Node) -> list[Lost]:
    gaps = events.page(Which(Filter(node=node.id, kind=Kind.GAP)), MOST_LOSSES)
    return [Lost(one.data["epoch"], one.data["first"], one.data["last"], one.data["reason"]) for one in gaps]


def _with_comings(node: Node, lines: list[Line], is_first: bool, is_last: bool) -> list[Line]:
    """The lines, merged by time with the service's own events about the node's coming and going."""
    said = events.of_presence(node.id, MOST_COMINGS)[::-1]
    times = [one.event.at for one in lines if one.event is not None]
    since = 0.0 if is_first or not times else times[0]
    until = float("inf") if is_last or not times else times[-1]
    waiting = [Line(stories.EVENT, 0, one.sequence, one.sequence, 1, one) for one in said if since <= one.at <= until]
    found: list[Line] = []
    for line in lines:
        while waiting and line.event is not None and waiting[0].event.at <= line.event.at:
            found.append(waiting.pop(0))
        found.append(line)
    return found + waiting
