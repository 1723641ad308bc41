"""Tickets: what lets its bearer do one thing, once."""

from typing import Any

from peewee import DoubleField, TextField

from pillar_service.core.people.tickets import TicketKind
from pillar_service.store.database import JsonField, Table


class Ticket(Table):
    """A ticket; ``id`` is the hash of the token that its bearer has, ``facts`` what it stands for."""

    id = TextField(primary_key=True)
    kind = TextField()
    account = TextField(null=True)
    facts = JsonField()
    created_at = DoubleField()
    expires_at = DoubleField()


def add(id: str, kind: TicketKind, account: str | None, facts: dict[str, Any], now: float, expires_at: float) -> None:
    """Add a ticket, and forget those that nobody may use any more."""
    Ticket.delete().where(Ticket.expires_at < now).execute()
    Ticket.create(id=id, kind=str(kind), account=account, facts=facts, created_at=now, expires_at=expires_at)


def find(id: str, kind: TicketKind, now: float) -> Ticket | None:
    """The ticket of that kind that may be used now."""
    return Ticket.get_or_none((Ticket.id == id) & (Ticket.kind == str(kind)) & (Ticket.expires_at > now))


def take(id: str) -> bool:
    """Use a ticket up; False when somebody else has."""
    return bool(Ticket.delete().where(Ticket.id == id).execute() == 1)


def drop(account: str, kind: TicketKind | None = None) -> None:
    """Use up the tickets of an account, of one kind or all."""
    rows = Ticket.delete().where(Ticket.account == account)
    (rows if kind is None else rows.where(Ticket.kind == str(kind))).execute()
