"""Forwardings: where events are sent, and how far each forwarding got."""

from peewee import BigIntegerField, DoubleField, IntegerField, TextField

from pillar_service.core.events.forwarding import CLAIMED_S, LONGEST_PAUSE_S
from pillar_service.store import plain
from pillar_service.store.database import JsonField, Table
from pillar_service.store.sql import read


class Forwarding(Table):
    """One destination of events. ``cursor`` is the number of the last event that was sent or did not match the filter.

    ``claim`` grows with each claim. ``batch_end`` is the last event of the batch being sent, so that a retry sends the same
    batch; ``test`` is the id of an event that tries the forwarding out. ``lost`` counts the events that retention deleted
    before they were sent, between ``lost_first`` and ``lost_last``.
    """

    id = TextField(primary_key=True)
    account = TextField(null=True)
    maker = TextField()
    way = TextField()
    address = TextField()
    secret = TextField(null=True)
    filter = JsonField()
    state = TextField()
    cursor = BigIntegerField()
    batch_end = BigIntegerField(null=True)
    test = TextField(null=True)
    lost = BigIntegerField(default=0)
    lost_first = BigIntegerField(null=True)
    lost_last = BigIntegerField(null=True)
    failures = IntegerField(default=0)
    failing_since = DoubleField(null=True)
    error = TextField(null=True)
    not_before = DoubleField(default=0.0)
    claim = BigIntegerField(default=0)
    claimed_until = DoubleField(default=0.0)
    sent = BigIntegerField(default=0)
    sent_at = DoubleField(null=True)
    created_at = DoubleField()


def find(id: str) -> Forwarding | None:
    """The forwarding with that id."""
    return plain.first(Forwarding, "WHERE id = ?", id)


def of(account: str | None) -> list[Forwarding]:
    """An account's forwardings, or (None) the operators', oldest first."""
    if account is None:
        return plain.found(Forwarding, "WHERE account IS NULL ORDER BY created_at, id")
    return plain.found(Forwarding, "WHERE account = ? ORDER BY created_at, id", account)


def add(**columns: object) -> Forwarding:
    """Add a forwarding."""
    return plain.add(Forwarding, columns)


def change(id: str, **columns: object) -> None:
    """Change a forwarding's columns."""
    plain.change(Forwarding, columns, "id = ?", id)


DUE = """FROM forwarding f WHERE state = 'on' AND not_before NOT BETWEEN ? AND ? AND claimed_until NOT BETWEEN ? AND ? AND (
test IS NOT NULL OR lost > 0
OR EXISTS (SELECT 1 FROM event WHERE n > f.cursor AND (f.account IS NULL OR event.account = f.account)))
AND NOT EXISTS (SELECT 1 FROM account WHERE agent = f.account AND state <> 'active')
AND (account IS NULL OR
(SELECT count(*) FROM forwarding o WHERE o.account = f.account AND o.claimed_until BETWEEN ? AND ?) < ?)"""


def due(now: float, at_once: int, limit: int) -> list[str]:
    """The ids of forwardings that have something to send and are not claimed, those that waited longest first.

    Leaves out accounts that are not active, or of which ``at_once`` forwardings are claimed already. A pause or claim that
    ends too far in the future does not count: the clock was set back.
    """
    told = f"SELECT id {DUE} ORDER BY sent_at IS NOT NULL, sent_at, id LIMIT ?"
    claimed = (now, now + CLAIMED_S)
    found = read(told, now, now + LONGEST_PAUSE_S, *claimed, *claimed, at_once, limit)
    return [str(id) for (id,) in found]


def claim(one: Forwarding, now: float) -> bool:
    """Claim a forwarding for ``CLAIMED_S`` seconds; False when another claimed it."""
    where = "id = ? AND claim = ? AND state = 'on' AND claimed_until NOT BETWEEN ? AND ?"
    columns = {"claim": one.claim + 1, "claimed_until": now + CLAIMED_S}
    return bool(plain.change(Forwarding, columns, where, one.id, one.claim, now, now + CLAIMED_S))


def settle(id: str, claim: int, **columns: object) -> bool:
    """Change a forwarding's columns and release its claim; False when that claim no longer holds it."""
    given = {"claimed_until": 0.0, **columns}
    return bool(plain.change(Forwarding, given, "id = ? AND claim = ?", id, claim))


def behind(n: int) -> list[Forwarding]:
    """The forwardings that have not got as far as that number."""
    return plain.found(Forwarding, "WHERE cursor < ?", n)


def forget(id: str) -> None:
    """Delete a forwarding."""
    Forwarding.delete().where(Forwarding.id == id).execute()


def forget_account(account: str) -> None:
    """Delete all forwardings of an account."""
    Forwarding.delete().where(Forwarding.account == account).execute()
