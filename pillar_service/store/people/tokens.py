"""Tokens of persons: personal ones for their programs, and those of sessions at the API."""

from peewee import DoubleField, TextField

from pillar_service.core.people.scopes import TokenKind
from pillar_service.store.database import Table
from pillar_service.store.due import is_from_ahead


class Token(Table):
    """One token. Only its hash is kept, and its first characters (``prefix``), by which its owner recognises it.

    ``mark`` is the fingerprint of the password with which a session began; empty for a personal token.
    """

    id = TextField(primary_key=True)
    account = TextField()
    kind = TextField()
    name = TextField()
    prefix = TextField()
    token_hash = TextField(unique=True)
    scopes = TextField()
    mark = TextField(default="")
    created_at = DoubleField()
    expires_at = DoubleField()
    last_used_at = DoubleField(null=True)


def add(**columns: object) -> Token:
    """Add a token."""
    return Token.create(**columns)


def with_hash(token_hash: str) -> Token | None:
    """The token with that hash."""
    return Token.get_or_none(Token.token_hash == token_hash)


def of(account: str, kind: TokenKind) -> list[Token]:
    """An account's tokens of one kind, oldest first."""
    rows = Token.select().where((Token.account == account) & (Token.kind == str(kind)))
    return list(rows.order_by(Token.created_at, Token.id))


def find(account: str, id: str) -> Token | None:
    """The account's token with that id."""
    return Token.get_or_none((Token.id == id) & (Token.account == account))


def used(id: str, at: float) -> None:
    """Record when a token was used."""
    Token.update(last_used_at=at).where(Token.id == id).execute()


def forget(id: str) -> bool:
    """Delete a token; False when there was none."""
    return bool(Token.delete().where(Token.id == id).execute() == 1)


def forget_expired(account: str, now: float) -> None:
    """Delete an account's tokens that have expired, and its sessions from while the clock was ahead, which are over, too."""
    is_void = (Token.kind == str(TokenKind.SESSION)) & is_from_ahead(Token.created_at, now)
    Token.delete().where((Token.account == account) & ((Token.expires_at <= now) | is_void)).execute()


def forget_all(account: str) -> int:
    """Delete every token of an account; return how many there were."""
    return int(Token.delete().where(Token.account == account).execute())
