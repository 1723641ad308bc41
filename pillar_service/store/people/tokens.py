"""Tokens of persons: for their programs, and for those who signed in to the API."""

from peewee import DoubleField, TextField

from pillar_service.core.people.scopes import TokenKind
from pillar_service.store.database import Table


class Token(Table):
    """One token. Only its hash is kept, and its first characters (``prefix``), by which its owner knows it again.

    ``mark`` is the fingerprint of the password that a session began with; it is empty for a personal token.
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
    """An account's tokens of a kind, oldest first."""
    rows = Token.select().where((Token.account == account) & (Token.kind == str(kind)))
    return list(rows.order_by(Token.created_at, Token.id))


def find(account: str, id: str) -> Token | None:
    """The token with that id, if it is that account's."""
    return Token.get_or_none((Token.id == id) & (Token.account == account))


def used(id: str, at: float) -> None:
    """Remember when a token was used."""
    Token.update(last_used_at=at).where(Token.id == id).execute()


def forget(id: str) -> bool:
    """Forget a token; False when it was not there."""
    return bool(Token.delete().where(Token.id == id).execute() == 1)


def forget_expired(account: str, now: float) -> None:
    """Forget an account's tokens whose time has passed."""
    Token.delete().where((Token.account == account) & (Token.expires_at <= now)).execute()


def forget_all(account: str) -> int:
    """Forget every token of an account; how many there were."""
    return int(Token.delete().where(Token.account == account).execute())
