"""Events of nodes, each kept once by node, epoch and sequence; and how far each node got in each epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from peewee import SQL, BigIntegerField, BooleanField, CompositeKey, DoubleField, SmallIntegerField, TextField, fn

from pillar_service.core.events.events import Filter
from pillar_service.store import plain, rows
from pillar_service.store.database import JsonField, Table, on_sqlite
from pillar_service.store.events import held
from pillar_service.store.sql import places, read, write

MOST_EPOCHS = 1000
"""How many epochs are kept of a node, which chooses their numbers itself. Those heard of least recently are deleted first."""

MOST_PASSED = 20_000
"""How many of a node's oldest events are considered for deletion: a limit, as a node says itself which are vital. In a year a
node sends about so many vital events."""


class Event(Table):
    """One event. ``n`` grows in the order in which the service took them; ``account`` owned the node at that time."""

    n = BigIntegerField(primary_key=True)
    node = TextField()
    account = TextField(null=True)
    epoch = BigIntegerField()
    sequence = BigIntegerField()
    kind = TextField()
    type = TextField()
    subject = TextField()
    stream = TextField()
    priority = SmallIntegerField()
    severity = SmallIntegerField()
    at = DoubleField()
    mono = DoubleField()
    boot = TextField()
    is_synced = BooleanField()
    received_at = DoubleField()
    data = JsonField()


class EventEpoch(Table):
    """How far a node got in an epoch: the highest sequence, and how many events were taken, refused, and reported lost.

    ``request`` is the highest number of a signed request that was taken.
    """

    node = TextField()
    epoch = BigIntegerField()
    highest = BigIntegerField()
    taken = BigIntegerField()
    refused = BigIntegerField()
    lost = BigIntegerField()
    request = BigIntegerField(default=0)
    begun_at = DoubleField()
    heard_at = DoubleField()

    class Meta:
        table_name = "event_epoch"
        primary_key = CompositeKey("node", "epoch")


COLUMNS = {
    "node": str,
    "account": str,
    "received_at": float,
    "epoch": int,
    "sequence": int,
    "kind": str,
    "type": str,
    "subject": str,
    "stream": str,
    "priority": int,
    "severity": int,
    "at": float,
    "mono": float,
    "boot": str,
    "is_synced": bool,
    "data": str,
}
"""The columns that are given of an event, in this order; ``data`` as JSON text."""


def add(given: Iterable[Sequence[Any]]) -> None:
    """Add events in this order. Those that are there already stay as they are."""
    rows.insert_plain("event", COLUMNS, given, "ON CONFLICT DO NOTHING")


def add_new(given: Iterable[Sequence[Any]]) -> set[tuple[int, int]]:
    """Add those events of one node that are not there yet, in this order; return their epochs and sequences."""
    told = rows.insert_plain("event", COLUMNS, given, "ON CONFLICT DO NOTHING RETURNING epoch, sequence")
    return {(epoch, sequence) for epoch, sequence in told}


def newest() -> int:
    """The highest number of any event (on SQLite also of deleted ones); 0 if there was none."""
    kept = int(read("SELECT coalesce(max(n), 0) FROM event")[0][0])
    if not on_sqlite():
        return kept
    given = read("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
    return max(kept, int(given[0][0]) if given else 0)


@dataclass(frozen=True)
class Which:
    """Which events to choose.

    They match ``filter``, belong to ``account`` (None: to any), have numbers between ``after`` and ``before``, and were
    received from ``since`` to before ``until`` (Unix seconds).
    """

    filter: Filter
    account: str | None = None
    after: int = 0
    before: int | None = None
    since: float | None = None
    until: float | None = None


def page(which: Which, limit: int, newest_first: bool = True) -> list[Event]:
    """Events by number."""
    order = Event.n.desc() if newest_first else Event.n
    return list(_chosen(which).order_by(order).limit(limit))


def sizes(which: Which, limit: int) -> list[tuple[int, int]]:
    """The numbers of the oldest events, each with the length of its data in characters."""
    asked = _chosen(which).select(Event.n, fn.LENGTH(Event.data))
    return [(int(n), int(size)) for n, size in asked.order_by(Event.n).limit(limit).tuples()]


def counted(which: Which, limit: int) -> tuple[int, int | None]:
    """How many events there are, counting no further than ``limit``, and the number of the last one counted."""
    oldest = _chosen(which).select(Event.n).order_by(Event.n).limit(limit).alias("oldest")
    found: Any = Event.select(fn.COUNT(oldest.c.n), fn.MAX(oldest.c.n)).from_(oldest).tuples().get()
    return int(found[0]), found[1]


def waiting(which: Which, limit: int) -> list[float]:
    """When the oldest events were received (Unix seconds), at most ``limit``."""
    asked = _chosen(which).select(Event.received_at)
    return [float(at) for (at,) in asked.order_by(Event.n).limit(limit).tuples()]


def fitting(which: Which, numbers: Sequence[int]) -> list[int]:
    """Those of these numbers whose events are among ``which``."""
    asked = _chosen(which).select(Event.n).where(Event.n.in_(list(numbers)))
    return sorted(int(n) for (n,) in asked.tuples())


def _chosen(which: Which) -> Any:
    asked = which.filter
    equal = {
        Event.account: which.account,
        Event.node: asked.node,
        Event.kind: asked.kind,
        Event.stream: asked.stream,
        Event.subject: asked.subject,
    }
    wanted: list[Any] = [
        Event.n > which.after,
        *(column == value for column, value in equal.items() if value is not None),
    ]
    if which.before is not None:
        wanted.append(Event.n < which.before)
    if which.since is not None:
        wanted.append(Event.received_at >= which.since)
    if which.until is not None:
        wanted.append(Event.received_at < which.until)
    if asked.type is not None:
        wanted.append(_like(asked.type))
    if asked.severity:
        wanted.append(Event.severity >= int(asked.severity))
    return Event.select().where(*wanted)


def _like(pattern: str) -> Any:
    if "*" not in pattern:
        return Event.type == pattern
    return SQL(f"type LIKE {'?' if on_sqlite() else '%s'}", [pattern.replace("*", "%")])


def has_after(n: int, account: str | None) -> bool:
    """Whether there are events after that number. Cheap, as streams ask it all the time."""
    if account is None:
        return bool(read("SELECT 1 FROM event WHERE n > ? LIMIT 1", n))
    return bool(read("SELECT 1 FROM event WHERE account = ? AND n > ? LIMIT 1", account, n))


def shorten(node: str, epoch: int, sequence: int, data: Any) -> None:
    """Replace an event's data."""
    which, place = "node = ? AND epoch = ? AND sequence = ?", (node, epoch, sequence)
    held.count(-1, which, *place)
    plain.change(Event, {"data": data}, which, *place)
    held.count(1, which, *place)


def old(kind: str, before: float, limit: int) -> list[int]:
    """The numbers of those of the ``limit`` oldest events of a kind that were received before ``before``."""
    oldest = read("SELECT n, received_at FROM event WHERE kind = ? ORDER BY n LIMIT ?", kind, limit)
    return [n for n, received_at in oldest if received_at < before]


def of_account(account: str, limit: int) -> list[int]:
    """The numbers of an account's oldest events, at most ``limit``."""
    return [n for (n,) in read("SELECT n FROM event WHERE account = ? ORDER BY n LIMIT ?", account, limit)]


def oldest(node: str, size: int, limit: int) -> list[int]:
    """The numbers of a node's oldest events that together take at least ``size`` bytes, at most ``limit``.

    Among the first ``MOST_PASSED``, vital events (when the node lived, what it lost) come after all others.
    """
    told = f"""SELECT n, {held.SIZE} FROM event WHERE n IN (SELECT n FROM (
        SELECT n, priority, epoch, sequence FROM event WHERE node = ? AND epoch > 0 ORDER BY epoch, sequence LIMIT ?
        ) AS first ORDER BY priority = 0, epoch, sequence LIMIT ?) ORDER BY priority = 0, epoch, sequence"""  # noqa: S608
    found, left = [], size
    for n, takes in read(told, node, MOST_PASSED, limit):
        if left <= 0:
            break
        found.append(n)
        left -= takes
    return found


def forget(old: Sequence[int]) -> int:
    """Delete the events with these numbers; return how many numbers these are."""
    if old:
        which = f"n IN ({places(len(old))})"
        held.count(-1, which, *old)
        write(f"DELETE FROM event WHERE {which}", *old)  # noqa: S608
    return len(old)


def story(node: str, before: tuple[int, int] | None, limit: int) -> list[Event]:
    """A node's events by epoch and sequence, last first, from before that place (epoch, sequence) on."""
    if before is None:
        return plain.found(
            Event, "WHERE node = ? AND epoch > 0 ORDER BY epoch DESC, sequence DESC LIMIT ?", node, limit
        )
    where = "WHERE node = ? AND epoch > 0 AND (epoch, sequence) < (?, ?) ORDER BY epoch DESC, sequence DESC LIMIT ?"
    return plain.found(Event, where, node, *before, limit)


def of_presence(node: str, limit: int) -> list[Event]:
    """The service's own events on a node's coming and going, last first."""
    return plain.found(Event, "WHERE node = ? AND epoch = 0 ORDER BY sequence DESC LIMIT ?", node, limit)


def epochs(nodes: Sequence[str]) -> list[EventEpoch]:
    """How far these nodes got in each epoch."""
    return plain.found(EventEpoch, f"WHERE node IN ({places(len(nodes))}) ORDER BY node, epoch", *nodes)


class Reached(NamedTuple):
    """How far a node got in an epoch; 0 when nothing came.

    ``highest`` is the highest sequence that was kept (even if deleted since) or refused, ``request`` the highest number of a
    signed request that was taken.
    """

    highest: int = 0
    request: int = 0


def reached(node: str, epochs: Iterable[int]) -> dict[int, Reached]:
    """How far a node got in each of these epochs. Cheap, as each batch of events reads it."""
    of = sorted(epochs)
    told = f"SELECT epoch, highest, request FROM event_epoch WHERE node = ? AND epoch IN ({places(len(of))})"  # noqa: S608
    return dict.fromkeys(of, Reached()) | {epoch: Reached(*far) for epoch, *far in read(told, node, *of)}


def came(node: str, told: Iterable[tuple[int, int, int, int, int, int]], now: float) -> None:
    """Record how far a node got.

    ``told`` holds for each epoch: its number, the highest sequence, how many more events were taken, refused and lost, and
    the number of the request.
    """
    given = ((node, *one, now, now) for one in told)
    most = "max" if on_sqlite() else "greatest"
    sums = ", ".join(f"{name} = event_epoch.{name} + excluded.{name}" for name in ("taken", "refused", "lost"))
    highest = ", ".join(f"{name} = {most}(event_epoch.{name}, excluded.{name})" for name in ("highest", "request"))
    conflict = f"ON CONFLICT (node, epoch) DO UPDATE SET {highest}, {sums}, heard_at = excluded.heard_at"
    rows.insert_plain("event_epoch", EPOCH, given, conflict)


def forget_epochs(node: str) -> None:
    """Forget how far a node got in all but its ``MOST_EPOCHS`` most recently heard epochs."""
    write(
        """DELETE FROM event_epoch WHERE node = ? AND epoch > 0 AND epoch NOT IN (SELECT epoch FROM event_epoch
        WHERE node = ? AND epoch > 0 ORDER BY heard_at DESC, epoch DESC LIMIT ?)""",
        *(node, node, MOST_EPOCHS),
    )


EPOCH = {
    "node": str,
    "epoch": int,
    "highest": int,
    "taken": int,
    "refused": int,
    "lost": int,
    "request": int,
    "begun_at": float,
    "heard_at": float,
}
