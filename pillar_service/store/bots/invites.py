"""Invites: a copy of each pub's own ledger."""

from peewee import DoubleField, IntegerField, TextField

from pillar_service.core import durations, names
from pillar_service.core.bots.invites import Entry
from pillar_service.store import due
from pillar_service.store.database import JsonField, Table


class Invite(Table):
    """One invite of a bot, as of ``seen_at``. ``code`` is a secret; None when the service never had it, or it is spent."""

    id = TextField(primary_key=True)
    bot = TextField()
    invite = TextField()
    code = TextField(null=True)
    note = TextField()
    uses = IntegerField()
    used = IntegerField()
    used_by = JsonField()
    created_at = DoubleField(null=True)
    revoked_at = DoubleField(null=True)
    seen_at = DoubleField()


def of_bot(bot: str) -> list[Invite]:
    """The invites of a bot."""
    return list(Invite.select().where(Invite.bot == bot))


def find(bot: str, id: str) -> Invite | None:
    """The bot's invite with that id."""
    return Invite.get_or_none((Invite.bot == bot) & (Invite.id == id))


def with_pubs_id(bot: str, invite: str) -> Invite | None:
    """The bot's invite to which the pub gave that id."""
    return Invite.get_or_none((Invite.bot == bot) & (Invite.invite == invite))


def add(bot: str, entry: Entry, seen_at: float) -> None:
    """Add an invite."""
    Invite.create(id=names.new_id(), bot=bot, seen_at=seen_at, **vars(entry))


def change(id: str, **columns: object) -> None:
    """Change an invite's columns."""
    Invite.update(**columns).where(Invite.id == id).execute()


def is_older(row: Invite, then: float, now: float) -> bool:
    """Whether an invite was last seen at ``then`` or earlier, or while the clock was ahead of ``now``."""
    return bool(row.seen_at <= then or durations.is_from_ahead(row.seen_at, now))


def seen(bot: str, then: float, now: float) -> None:
    """Record that all invites that are older (`is_older`) have just been seen again."""
    older = (Invite.seen_at <= then) | due.is_from_ahead(Invite.seen_at, now)
    Invite.update(seen_at=now).where((Invite.bot == bot) & older).execute()


def forget(bot: str, id: str | None = None) -> None:
    """Forget one invite of a bot, or all."""
    rows = Invite.delete().where(Invite.bot == bot)
    (rows if id is None else rows.where(Invite.id == id)).execute()
