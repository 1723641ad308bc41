"""Accounts: persons who can sign in, and the sign-ins that failed."""

from collections.abc import Iterable

from peewee import DoubleField, ForeignKeyField, ModelSelect, TextField

from pillar_service.core.agents import AccountRole, AccountState
from pillar_service.store.agents import Agent
from pillar_service.store.database import Table


class Account(Table):
    """A person's account; ``id`` is the agent's."""

    id: str
    agent = ForeignKeyField(Agent, primary_key=True, column_name="agent", object_id_name="id")
    email = TextField(unique=True)
    password_hash = TextField()
    state = TextField(default=str(AccountState.ACTIVE))
    role = TextField(default=str(AccountRole.PERSON))


class SignInFailure(Table):
    """A sign-in that failed; ``who`` says for which account from which address."""

    id = TextField(primary_key=True)
    who = TextField()
    at = DoubleField()


def add(agent: str, email: str, password_hash: str, role: AccountRole) -> Account:
    """Add an account to an agent."""
    return Account.create(agent=agent, email=email, password_hash=password_hash, role=str(role))


def _all() -> "ModelSelect[Account]":
    return Account.select(Account, Agent).join(Agent)


def find(key: str) -> Account | None:
    """The account with that id or e-mail address."""
    found: Account | None = _all().where((Account.agent == key) | (Account.email == key)).first()
    return found


def listed(email: str | None = None) -> list[Account]:
    """All accounts by address, or the one with that address."""
    rows = _all().order_by(Account.email)
    return list(rows if email is None else rows.where(Account.email == email))


def with_ids(ids: Iterable[str]) -> dict[str, Account]:
    """These accounts, by id."""
    return {row.id: row for row in _all().where(Account.agent.in_(list(ids)))}


def change(id: str, **columns: object) -> None:
    """Change an account's columns."""
    Account.update(**columns).where(Account.agent == id).execute()


def failures(who: str, since: float) -> int:
    """How many sign-ins failed for ``who`` since then."""
    return SignInFailure.select().where((SignInFailure.who == who) & (SignInFailure.at > since)).count()


def add_failure(id: str, who: str, now: float, keep_since: float) -> None:
    """Remember a failed sign-in, forget those from before ``keep_since``."""
    SignInFailure.delete().where(SignInFailure.at < keep_since).execute()
    SignInFailure.create(id=id, who=who, at=now)


def forgive(who: str) -> None:
    """Forget the failed sign-ins of ``who``."""
    SignInFailure.delete().where(SignInFailure.who == who).execute()
