"""Tickets: each lets its bearer do one thing once."""

from typing import Any

from peewee import DoubleField, Expression, TextField

from pillar_service.core.people.tickets import TicketKind
from pillar_service.store.database import JsonField, Table
from pillar_service.store.due import is_from_ahead


class Ticket(Table):
    """A ticket; ``id`` is the hash of its bearer's token, and ``facts`` is the data that it carries."""

    id = TextField(primary_key=True)
    kind = TextField()
    account = TextField(null=True)
    facts = JsonField()
    created_at = DoubleField()
    expires_at = DoubleField()


def add(id: str, kind: TicketKind, account: str | None, facts: dict[str, Any], now: float, expires_at: float) -> None:
    """Add a ticket, and delete those that are over."""
    Ticket.delete().where(_is_over(now)).execute()
    Ticket.create(id=id, kind=str(kind), account=account, facts=facts, created_at=now, expires_at=expires_at)


def _is_over(now: float) -> Expression:
    """Whether a ticket has expired, or was issued while the clock was ahead: it would last until that moment has come."""
    return (Ticket.expires_at <= now) | is_from_ahead(Ticket.created_at, now)


def find(id: str, kind: TicketKind, now: float) -> Ticket | None:
    """The ticket of that kind with that id, unless it is over."""
    return Ticket.get_or_none((Ticket.id == id) & (Ticket.kind == str(kind)) & ~_is_over(now))


def take(id: str) -> bool:
    """Use up a ticket; False when it was used before."""
    return bool(Ticket.delete().where(Ticket.id == id).execute() == 1)


def drop(account: str, kind: TicketKind | None = None) -> None:
    """Delete an account's tickets of one kind, or all."""
    rows = Ticket.delete().where(Ticket.account == account)
    (rows if kind is None else rows.where(Ticket.kind == str(kind))).execute()
