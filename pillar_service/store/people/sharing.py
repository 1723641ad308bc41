"""Invitations to people, by mail, to share a bot."""

from peewee import DoubleField, ModelSelect, TextField

from pillar_service.store.database import Table
from pillar_service.store.due import is_from_ahead


class Invitation(Table):
    """One invitation. Only its token's hash is kept. It is open until it is accepted, withdrawn or expired.

    One from while the clock was ahead is not open, or it would be until that moment has come.
    """

    id = TextField(primary_key=True)
    bot = TextField()
    email = TextField()
    token_hash = TextField(unique=True)
    invited_by = TextField()
    created_at = DoubleField()
    expires_at = DoubleField()
    withdrawn_at = DoubleField(null=True)
    accepted_at = DoubleField(null=True)
    accepted_by = TextField(null=True)


def _open(now: float) -> "ModelSelect[Invitation]":
    rows = Invitation.select().where(Invitation.withdrawn_at.is_null() & Invitation.accepted_at.is_null())
    return rows.where((Invitation.expires_at > now) & ~is_from_ahead(Invitation.created_at, now))


def add(**columns: object) -> None:
    """Add an invitation."""
    Invitation.create(**columns)


def open_of(bot: str, now: float) -> list[Invitation]:
    """The open invitations to a bot, oldest first."""
    return list(_open(now).where(Invitation.bot == bot).order_by(Invitation.created_at, Invitation.id))


def with_hash(token_hash: str, now: float) -> Invitation | None:
    """The open invitation whose token has this hash."""
    found: Invitation | None = _open(now).where(Invitation.token_hash == token_hash).first()
    return found


def taken(token_hash: str, person: str) -> Invitation | None:
    """The invitation whose token has this hash, if this person accepted it."""
    ours = (Invitation.token_hash == token_hash) & (Invitation.accepted_by == person)
    found: Invitation | None = Invitation.select().where(ours).first()
    return found


def sent_by(person: str, since: float, now: float) -> int:
    """How many invitations a person has sent from after ``since`` until now (Unix seconds), whatever became of them."""
    lately = (Invitation.created_at > since) & (Invitation.created_at <= now)
    return Invitation.select().where((Invitation.invited_by == person) & lately).count()


def withdraw(id: str, now: float) -> None:
    """Withdraw an invitation."""
    Invitation.update(withdrawn_at=now).where(Invitation.id == id).execute()


def accept(id: str, person: str, now: float) -> None:
    """Record that this person accepted an invitation."""
    Invitation.update(accepted_at=now, accepted_by=person).where(Invitation.id == id).execute()


def forget(bot: str) -> None:
    """Delete every invitation to a bot."""
    Invitation.delete().where(Invitation.bot == bot).execute()


def forget_person(person: str, email: str) -> None:
    """Delete every invitation that this person sent or accepted, or that went to their address."""
    theirs = (Invitation.invited_by == person) | (Invitation.accepted_by == person) | (Invitation.email == email)
    Invitation.delete().where(theirs).execute()
