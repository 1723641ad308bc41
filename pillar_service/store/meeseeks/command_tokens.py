"""Tokens that run one command as one user."""

from peewee import DoubleField, TextField

from pillar_service.store.database import JsonField, Table


class CommandToken(Table):
    """One token, of which only the hash is kept; its first characters (``prefix``) let its maker recognise it.

    It runs the command as the ``actor`` who made it, with fixed ``arguments``, as if asked for in ``channel``.
    """

    id = TextField(primary_key=True)
    actor = TextField()
    name = TextField()
    prefix = TextField()
    token_hash = TextField(unique=True)
    command = TextField()
    arguments = JsonField()
    selector = TextField()
    channel = TextField()
    created_at = DoubleField()
    expires_at = DoubleField()
    last_used_at = DoubleField(null=True)

    class Meta:
        table_name = "command_token"


def add(**columns: object) -> CommandToken:
    """Add a token."""
    return CommandToken.create(**columns)


def find(id: str) -> CommandToken | None:
    """The token with that id."""
    return CommandToken.get_or_none(CommandToken.id == id)


def with_hash(token_hash: str) -> CommandToken | None:
    """The token with that hash."""
    return CommandToken.get_or_none(CommandToken.token_hash == token_hash)


def listed(actor: str | None, now: float) -> list[CommandToken]:
    """The tokens that have not expired, of that actor or (None) of all, oldest first."""
    rows = CommandToken.select().where(CommandToken.expires_at > now)
    rows = rows if actor is None else rows.where(CommandToken.actor == actor)
    return list(rows.order_by(CommandToken.created_at, CommandToken.id))


def used(id: str, at: float) -> bool:
    """Record when a token was used; False when it is gone."""
    return bool(CommandToken.update(last_used_at=at).where(CommandToken.id == id).execute() == 1)


def forget(id: str) -> bool:
    """Forget a token; False when there was none."""
    return bool(CommandToken.delete().where(CommandToken.id == id).execute() == 1)


def forget_expired(now: float) -> None:
    """Forget the tokens that have expired."""
    CommandToken.delete().where(CommandToken.expires_at <= now).execute()


def forget_of(actors: list[str]) -> None:
    """Forget every token of these actors."""
    CommandToken.delete().where(CommandToken.actor.in_(actors)).execute()
