"""Sessions: who is signed in, and where."""

from typing import NamedTuple

from peewee import DoubleField, TextField

from pillar_service.store.database import Table
from pillar_service.store.sql import read


class Session(Table):
    """One signed-in browser; ``id`` is the hash of its cookie's token."""

    id = TextField(primary_key=True)
    account = TextField()
    created_at = DoubleField()
    seen_at = DoubleField()
    address = TextField()
    browser = TextField()


def add(id: str, account: str, now: float, address: str, browser: str) -> None:
    """Add a session."""
    Session.create(id=id, account=account, created_at=now, seen_at=now, address=address, browser=browser)


class Holder(NamedTuple):
    """A session with its account's id, name, role and state, and when it was last seen."""

    id: str
    account: str
    seen_at: float
    name: str
    role: str
    state: str


HOLDER = (
    "SELECT s.id, s.account, s.seen_at, g.name, a.role, a.state FROM session s JOIN account a ON a.agent = s.account "
    "JOIN agent g ON g.id = a.agent WHERE s.id = ? AND s.seen_at >= ? AND g.removed_at IS NULL"
)


def holder(id: str, seen_since: float) -> Holder | None:
    """The session with that id and its account, if it was seen since ``seen_since`` and the account is not deleted."""
    found = read(HOLDER, id, seen_since)
    return Holder(*found[0]) if found else None


def of(account: str, seen_since: float) -> list[Session]:
    """The sessions of an account seen since ``seen_since`` (Unix seconds), last seen first."""
    rows = Session.select().where((Session.account == account) & (Session.seen_at >= seen_since))
    return list(rows.order_by(Session.seen_at.desc(), Session.id))


def seen(id: str, now: float, address: str) -> None:
    """Record when and where a session was last seen."""
    Session.update(seen_at=now, address=address).where(Session.id == id).execute()


def end(id: str, account: str | None = None) -> bool:
    """End a session, of that account if one is given; False when there was none."""
    rows = Session.delete().where(Session.id == id)
    return bool((rows if account is None else rows.where(Session.account == account)).execute())


def end_all(account: str, but: str | None = None) -> int:
    """End all sessions of an account except ``but``, if given; return how many were ended."""
    rows = Session.delete().where(Session.account == account)
    return int((rows if but is None else rows.where(Session.id != but)).execute())


def end_but(account: str, newest: int) -> None:
    """End all sessions of an account except the ``newest`` last seen."""
    stay = Session.select(Session.id).where(Session.account == account)
    stay = stay.order_by(Session.seen_at.desc(), Session.id).limit(newest)
    Session.delete().where((Session.account == account) & Session.id.not_in(stay)).execute()


def forget(seen_before: float, now: float) -> None:
    """Delete the sessions last seen before ``seen_before`` (Unix seconds).

    Those seen later than now, while the clock was ahead, count as seen now, or they would last until that moment comes.
    """
    Session.delete().where(Session.seen_at < seen_before).execute()
    Session.update(seen_at=now).where(Session.seen_at > now).execute()
