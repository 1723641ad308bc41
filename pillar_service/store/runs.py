"""Runs: one publish to one node, for one job or for several that converge it."""

from peewee import BooleanField, DoubleField, IntegerField, TextField

from pillar_service.store.database import JsonField, Table

CLAIMED, RUNNING, ENDED = "claimed", "running", "over"


class Run(Table):
    """One publish. ``expires_at`` is when its claim, and later its deadline, has passed (Unix seconds)."""

    id = TextField(primary_key=True)
    node = TextField()
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


def add(**columns: object) -> Run:
    """Add a claimed run."""
    return Run.create(**columns)


def find(id: str) -> Run | None:
    """The run with that id."""
    return Run.get_or_none(Run.id == id)


def held_by(master: str) -> list[Run]:
    """The runs that a master holds, oldest first."""
    return list(Run.select().where((Run.master == master) & (Run.state != ENDED)).order_by(Run.created_at))


def still_open() -> list[Run]:
    """Every run that is not over."""
    return list(Run.select().where(Run.state != ENDED))


def any_expired(now: float) -> bool:
    """Whether a run's time has passed. Cheap: long polls ask it all the time."""
    return bool(Run.select().where((Run.state != ENDED) & (Run.expires_at < now)).exists())


def expired(now: float) -> list[Run]:
    """The runs whose time has passed."""
    return list(Run.select().where((Run.state != ENDED) & (Run.expires_at < now)))


def start(id: str, jid: str, expires_at: float) -> bool:
    """A claimed run is about to be published; False when it is no longer claimed."""
    started = Run.update(state=RUNNING, jid=jid, expires_at=expires_at)
    return bool(started.where((Run.id == id) & (Run.state == CLAIMED)).execute() == 1)


def end(id: str) -> bool:
    """A run is over; False when it was before."""
    return bool(Run.update(state=ENDED).where((Run.id == id) & (Run.state != ENDED)).execute() == 1)
