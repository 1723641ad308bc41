"""Accounts of persons who can sign in, and failed attempts."""

from collections.abc import Iterable, Sequence

from peewee import DoubleField, ForeignKeyField, ModelSelect, TextField

from pillar_service.core.people.agents import AccountRole, AccountState
from pillar_service.store.database import Table
from pillar_service.store.people.agents import Agent
from pillar_service.store.sql import places, read


class Account(Table):
    """A person's account; ``id`` is the agent's.

    ``verified_at`` is when a link sent to its address was opened, or an operator confirmed that the address is theirs.
    """

    id: str
    agent = ForeignKeyField(Agent, primary_key=True, column_name="agent", object_id_name="id")
    email = TextField(unique=True)
    password_hash = TextField()
    state = TextField(default=str(AccountState.ACTIVE))
    role = TextField(default=str(AccountRole.PERSON))
    verified_at = DoubleField(null=True)


class SignInFailure(Table):
    """A failed attempt, such as to sign in; ``who`` says at what, and for whom or from where."""

    id = TextField(primary_key=True)
    who = TextField()
    at = DoubleField()


def add(agent: str, email: str, password_hash: str, role: AccountRole, verified_at: float | None = None) -> Account:
    """Add the account of an agent."""
    columns = {"email": email, "password_hash": password_hash, "verified_at": verified_at}
    return Account.create(agent=agent, role=str(role), **columns)


def _all() -> "ModelSelect[Account]":
    return Account.select(Account, Agent).join(Agent)


def find(key: str) -> Account | None:
    """The account with that id or e-mail address."""
    found: Account | None = _all().where((Account.agent == key) | (Account.email == key)).first()
    return found


def with_email(email: str) -> Account | None:
    """The account with that e-mail address."""
    found: Account | None = _all().where(Account.email == email).first()
    return found


def listed(email: str | None = None) -> list[Account]:
    """All accounts, by address, or the one with that address; without deleted ones."""
    rows = _all().where(Agent.removed_at.is_null()).order_by(Account.email)
    return list(rows if email is None else rows.where(Account.email == email))


def with_ids(ids: Iterable[str]) -> dict[str, Account]:
    """These accounts, by id."""
    return {row.id: row for row in _all().where(Account.agent.in_(list(ids)))}


def stands(id: str, bots: Sequence[str]) -> tuple[str, str, dict[str, str]] | None:
    """An account's role and state, and its role for each of these bots that it may act for; None without the account."""
    theirs = f"b.source = a.agent AND b.target IN ({places(len(bots))})"
    told = f"SELECT a.role, a.state, b.target, b.role FROM account a LEFT JOIN belongs b ON {theirs} WHERE a.agent = ?"  # noqa: S608
    found = read(told, *bots, id)
    return (found[0][0], found[0][1], {bot: role for _, _, bot, role in found if bot}) if found else None


def belonging(bots: Sequence[str]) -> list[tuple[str, str, str]]:
    """Bot, e-mail address and role of all accounts that may act for these bots, by address."""
    told = "SELECT b.target, a.email, b.role FROM belongs b JOIN account a ON a.agent = b.source WHERE b.target IN "
    return [(bot, email, role) for bot, email, role in read(f"{told}({places(len(bots))}) ORDER BY a.email", *bots)]


def left_last(prefix: str) -> str | None:
    """The id of the last deleted account whose address now starts with ``prefix``."""
    gone = _all().where(Account.email.startswith(prefix) & Agent.removed_at.is_null(False))
    found: Account | None = gone.order_by(Agent.removed_at.desc()).first()
    return None if found is None else found.id


def change(id: str, **columns: object) -> None:
    """Change an account's columns."""
    Account.update(**columns).where(Account.agent == id).execute()


def failures(who: str, since: float) -> int:
    """How often ``who`` failed after ``since`` (Unix seconds)."""
    return SignInFailure.select().where((SignInFailure.who == who) & (SignInFailure.at > since)).count()


def add_failure(id: str, who: str, now: float) -> None:
    """Add a failure."""
    SignInFailure.create(id=id, who=who, at=now)


def forget_failures(before: float, after: float) -> None:
    """Delete the failures from before ``before``, and those from after ``after``, when the clock was wrong (Unix seconds)."""
    SignInFailure.delete().where((SignInFailure.at < before) | (SignInFailure.at > after)).execute()


def take_back(ids: list[str]) -> None:
    """Delete failures that turned out to be none."""
    SignInFailure.delete().where(SignInFailure.id.in_(ids)).execute()


def forgive(who: str) -> None:
    """Delete the failures of ``who``."""
    SignInFailure.delete().where(SignInFailure.who == who).execute()
