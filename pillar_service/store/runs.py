"""Runs: one publish to one node, for one job or for several that converge it."""

from typing import Any

from peewee import SQL, BooleanField, DoubleField, IntegerField, TextField, fn

from pillar_service.store.database import JsonField, Table

CLAIMED, RUNNING, ENDED = "claimed", "running", "over"

OPEN = SQL("state <> 'over'")
"""Written out, not bound: else SQLite does not see that a partial index holds these rows."""


class Run(Table):
    """One publish to a node, or (``node`` is None) one runner on the master.

    ``expires_at`` is when its claim, and later its deadline, has passed (Unix seconds). One that was ``taken_over`` may
    have been published by the master before.
    """

    id = TextField(primary_key=True)
    node = TextField(null=True)
    function = TextField()
    arguments = JsonField()
    keywords = JsonField()
    master = TextField()
    jid = TextField(null=True)
    state = TextField(default=CLAIMED)
    timeout_s = IntegerField()
    retry_safe = BooleanField()
    created_at = DoubleField()
    expires_at = DoubleField()
    taken_over = BooleanField(default=False)


def add(**columns: object) -> Run:
    """Add a claimed run."""
    return Run.create(**columns)


def find(id: str) -> Run | None:
    """The run with that id."""
    return Run.get_or_none(Run.id == id)


def held_by(master: str) -> list[Run]:
    """The runs that a master holds, oldest first."""
    return list(Run.select().where((Run.master == master) & OPEN).order_by(Run.created_at))


def counted() -> dict[str, int]:
    """How many runs each node has that are not over."""
    rows: Any = Run.select(Run.node, fn.COUNT(Run.id)).where(OPEN & Run.node.is_null(False))
    return dict(rows.group_by(Run.node).tuples())


def calling(function: str) -> list[str]:
    """The nodes with a run of this function that is not over."""
    rows: Any = Run.select(Run.node).where(OPEN & (Run.function == function)).distinct().tuples()
    return [node for (node,) in rows]


def any_expired(now: float) -> bool:
    """Whether a run's time has passed. Cheap: long polls ask it all the time."""
    return bool(Run.select().where(OPEN & (Run.expires_at < now)).exists())


def expired(now: float) -> list[Run]:
    """The runs whose time has passed."""
    return list(Run.select().where(OPEN & (Run.expires_at < now)))


def of_others(master: str) -> list[Run]:
    """The runs that are not over and that another master holds."""
    return list(Run.select().where(OPEN & (Run.master != master)))


def extend(id: str, expires_at: float) -> None:
    """Wait for a run until then."""
    Run.update(expires_at=expires_at).where(Run.id == id).execute()


def give(id: str, master: str) -> None:
    """Another master follows a run from now on."""
    Run.update(master=master, taken_over=True).where(Run.id == id).execute()


def start(id: str, jid: str, expires_at: float) -> bool:
    """A claimed run is about to be published; False when it is no longer claimed."""
    started = Run.update(state=RUNNING, jid=jid, expires_at=expires_at)
    return bool(started.where((Run.id == id) & (Run.state == CLAIMED)).execute() == 1)


def end(id: str) -> bool:
    """A run is over; False when it was before."""
    return bool(Run.update(state=ENDED).where((Run.id == id) & (Run.state != ENDED)).execute() == 1)
