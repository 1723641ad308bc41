"""Presence: whether nodes are heard from, and how far each lags behind. Every change becomes an event."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots.health import EVENT_TYPE
from pillar_service.core.events import events as rules
from pillar_service.core.events.events import PRESENCE_EPOCH, Presence
from pillar_service.core.events.submission import Lifecycle, Priority, Submission
from pillar_service.core.nodes import presence as deciding
from pillar_service.core.nodes.presence import State
from pillar_service.core.service import counting
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.events import events
from pillar_service.store.nodes import nodes, standings
from pillar_service.store.payments import payments
from pillar_service.usecases.service import jumps

STREAM = "presence"
TOLD = (Lifecycle.START, Lifecycle.ALIVE)
VERSIONS = ("saltcellar", "salt", "python")


def heard(node: str, account: str | None, told: Sequence[Submission], now: float, offset_s: float | None) -> None:
    """Update a node's standing for its new events, in the caller's transaction."""
    before = standings.find(node)
    last = max(told)  # by epoch and sequence, the first fields
    then = before.presence if before else deciding.Standing()
    types = {one.type for one in told}
    after = deciding.heard(then, now, EVENT_TYPE in types, last.type == Lifecycle.STOP)
    lag = now - last.at if last.is_synced else None
    columns = {"account": account, "lag_s": lag, **({} if types.isdisjoint(TOLD) else _of_itself(told))}
    if offset_s is not None:
        columns["offset_s"] = offset_s
    standings.put(before, node, {**_columns(after), **columns})
    _tell(node, account, then, after, now)


def reported(node: str, account: str | None, now: float) -> None:
    """Update the standing of a node that reports in the old form, in the caller's transaction."""
    before = standings.find(node)
    then = before.presence if before else deciding.Standing()
    after = deciding.heard(then, now, True, False)
    standings.put(before, node, {**_columns(after), "account": account})
    _tell(node, account, then, after, now)


def _of_itself(told: Sequence[Submission]) -> dict[str, Any]:
    """What a node last said about its spool and its versions, if it did."""
    said = [one.data for one in told if one.type in TOLD and isinstance(one.data, Mapping)]
    if not said:
        return {}
    spool = said[-1].get("spool")
    versions = {name: _line(said[-1][name]) for name in VERSIONS if said[-1].get(name)}
    kept = {name: value for name, value in spool.items() if _is_small(value)} if isinstance(spool, Mapping) else None
    return {"spool": kept, "versions": versions}


def _line(value: Any) -> str:
    # A page with unprintable characters, such as a lone surrogate, can't be sent.
    return names.printable(str(value)[:50], "?")


def _is_small(value: object) -> bool:
    return isinstance(value, int | float | None) and len(str(value)) < 30


def _columns(standing: deciding.Standing) -> dict[str, Any]:
    return {**vars(standing), "state": str(standing.state)}


def listening(now: float) -> None:
    """Note now and then that the service is up; while it was down, no node counts as silent.

    If it was down for more than a day, or the clock jumped as far, the deadlines of payments and of deleted bots' data
    move by that time.
    """
    last = standings.beat_at()
    if last is not None and 0 <= now - last < deciding.BEAT_EVERY_S:
        return
    with transaction():
        last = standings.beat_at()
        if last is not None and (deaf_s := deciding.deaf_for(last, now)):
            standings.was_deaf(last + deciding.BEAT_EVERY_S, deaf_s)
        if last is not None and (ahead_s := deciding.ahead_by(last, now)):
            standings.was_ahead(now, ahead_s)
            bots.was_ahead(now, ahead_s)
            nodes.was_ahead(now, ahead_s)
        if last is not None and (lost_s := counting.lost(last, now)):
            payments.put_off(lost_s)
            bots.put_off(lost_s)
            jumps.note(lost_s, now)
        standings.beat(now)


def look(now: float | None = None) -> int:
    """Update the nodes that have fallen silent or become steady again; returns how many changed."""
    now = time.time() if now is None else now
    listening(now)
    return sum(_look(one.node, now) for one in standings.doubtful(now) if _changes(one.presence, now))


def _changes(before: deciding.Standing, now: float) -> bool:
    after = deciding.looked(before, now)
    return (after.state, after.is_away) != (before.state, before.is_away)


def _look(node: str, now: float) -> bool:
    with transaction():
        found = standings.find(node)
        if found is None or not _changes(found.presence, now):
            return False
        after = deciding.looked(found.presence, now)
        standings.put(found, node, _columns(after))
        _tell(node, found.account, found.presence, after, now)
        return True


SAID = {State.AWAY: Presence.AWAY, State.HERE: Presence.BACK, State.UNSTEADY: Presence.UNSTEADY}


def _tell(node: str, account: str | None, then: deciding.Standing, after: deciding.Standing, now: float) -> None:
    """Record a change of state as an event, unless this is the first time that the node is heard from."""
    if after.state == then.state or then.state is State.NEVER:
        return
    type = SAID[after.state]
    sequence = events.reached(node, (PRESENCE_EPOCH,))[PRESENCE_EPOCH].highest + 1
    data = json.dumps({"state": str(after.state), "before": str(then.state), "heard_at": then.heard_at})
    severity = int(rules.severity_of(type, None))
    row = (
        *(node, account, now, PRESENCE_EPOCH, sequence, str(rules.kind_of(type)), str(type), node, STREAM),
        *(int(Priority.VITAL), severity, now, 0.0, "", 1, data),
    )
    events.add([row])
    events.came(node, [(PRESENCE_EPOCH, sequence, 1, 0, 0, 0)], now)
