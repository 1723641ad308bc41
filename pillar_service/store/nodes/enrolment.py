"""Enrolment tokens, with which machines become nodes."""

from peewee import BooleanField, DoubleField, IntegerField, TextField

from pillar_service.store.database import JsonField, Table


class EnrolmentToken(Table):
    """One token. Only its hash is kept, and its first characters (``prefix``), by which its maker recognises it.

    It makes at most ``uses`` nodes of ``account`` (None: of the place itself), with these ``labels``. A token that
    ``replaces`` may give an existing node another key.
    """

    id = TextField(primary_key=True)
    account = TextField(null=True)
    actor = TextField()
    prefix = TextField()
    token_hash = TextField(unique=True)
    labels = JsonField(default=dict)
    pattern = TextField()
    uses = IntegerField()
    used = IntegerField(default=0)
    replaces = BooleanField(default=False)
    created_at = DoubleField()
    expires_at = DoubleField()
    last_used_at = DoubleField(null=True)
    revoked_at = DoubleField(null=True)


def add(**columns: object) -> EnrolmentToken:
    """Add a token."""
    return EnrolmentToken.create(**columns)


def with_hash(token_hash: str) -> EnrolmentToken | None:
    """The token with that hash."""
    return EnrolmentToken.get_or_none(EnrolmentToken.token_hash == token_hash)


def find(id: str) -> EnrolmentToken | None:
    """The token with that id."""
    return EnrolmentToken.get_or_none(EnrolmentToken.id == id)


def of(account: str) -> list[EnrolmentToken]:
    """An account's tokens, newest first."""
    rows = EnrolmentToken.select().where(EnrolmentToken.account == account)
    return list(rows.order_by(EnrolmentToken.created_at.desc(), EnrolmentToken.id))


def listed(limit: int) -> list[EnrolmentToken]:
    """The newest tokens of all accounts and the place, newest first."""
    return list(EnrolmentToken.select().order_by(EnrolmentToken.created_at.desc(), EnrolmentToken.id).limit(limit))


def open_of(account: str | None, now: float) -> int:
    """How many tokens of an account (None: of the place) can still be used."""
    whose = EnrolmentToken.account.is_null() if account is None else EnrolmentToken.account == account
    good = (EnrolmentToken.expires_at > now) & EnrolmentToken.revoked_at.is_null()
    left = EnrolmentToken.used < EnrolmentToken.uses
    return int(EnrolmentToken.select().where(whose & good & left).count())


def use(id: str, now: float) -> None:
    """Count one more use of a token."""
    changed = {EnrolmentToken.used: EnrolmentToken.used + 1, EnrolmentToken.last_used_at: now}
    EnrolmentToken.update(changed).where(EnrolmentToken.id == id).execute()


def revoke(id: str, now: float) -> bool:
    """Revoke a token; False when it was revoked before."""
    rows = EnrolmentToken.update(revoked_at=now).where((EnrolmentToken.id == id) & EnrolmentToken.revoked_at.is_null())
    return bool(rows.execute() == 1)


def revoke_all(account: str, now: float) -> None:
    """Revoke all tokens of an account."""
    whose = (EnrolmentToken.account == account) & EnrolmentToken.revoked_at.is_null()
    EnrolmentToken.update(revoked_at=now).where(whose).execute()


def forget_old(account: str | None, before: float) -> None:
    """Delete the tokens of an account (None: of the place) that expired before ``before``: only the audit names them."""
    whose = EnrolmentToken.account.is_null() if account is None else EnrolmentToken.account == account
    EnrolmentToken.delete().where(whose & (EnrolmentToken.expires_at < before)).execute()
