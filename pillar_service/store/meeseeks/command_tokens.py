"""Tokens that run one command as one user."""

from peewee import DoubleField, TextField

from pillar_service.store.database import JsonField, Table


class CommandToken(Table):
    """One token, of which only the hash is kept; ``prefix`` is how it begins, for its maker to know it by.

    ``actor`` is who made it and as whom it runs; ``arguments`` are pinned; ``channel`` is where it counts as asked.
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
    """The tokens that are still good, of that actor or of everybody, oldest first."""
    rows = CommandToken.select().where(CommandToken.expires_at > now)
    rows = rows if actor is None else rows.where(CommandToken.actor == actor)
    return list(rows.order_by(CommandToken.created_at, CommandToken.id))


def used(id: str, at: float) -> bool:
    """Remember when a token was used; False when it is there no more."""
    return bool(CommandToken.update(last_used_at=at).where(CommandToken.id == id).execute() == 1)


def forget(id: str) -> bool:
    """Forget a token; False when it was not there."""
    return bool(CommandToken.delete().where(CommandToken.id == id).execute() == 1)


def forget_expired(now: float) -> None:
    """Forget the tokens whose time has passed."""
    CommandToken.delete().where(CommandToken.expires_at <= now).execute()


def forget_of(actors: list[str]) -> None:
    """Forget every token of these actors."""
    CommandToken.delete().where(CommandToken.actor.in_(actors)).execute()
