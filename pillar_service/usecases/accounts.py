"""Accounts: persons who own bots and sign in."""

import hashlib
import secrets
import time
from typing import Any

import argon2

from pillar_service.core import names
from pillar_service.core.agents import AccountRole, AccountState, AgentType, Hold
from pillar_service.core.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from pillar_service.store import accounts, agents, bots
from pillar_service.store.accounts import Account
from pillar_service.store.database import transaction
from pillar_service.usecases import auditing, holds, pillars, queue, subscriptions

FAILURES = 10
"""So many failed sign-ins for an account from an address, and it is locked out for a while."""

LOCKED_S = 900.0
PASSWORD_LENGTH = (10, 200)

# OWASP's setting for Argon2id with the least memory (19 MiB): 64 MiB, the library's own, would double a worker.
HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
NOBODY = HASHER.hash(secrets.token_hex(16))
"""Verified when there is no such account, so that the answer takes as long."""


def create(
    actor: str, email: object, name: object = None, password: object = None, role: object = None
) -> tuple[dict[str, Any], str | None]:
    """Add an account; returns it, and the password if it was made here. Raises Invalid, Conflict (address taken)."""
    address, now = names.email(email), time.time()
    shown = names.text(address if name is None else name, "name", 200)
    chosen = _password(password) if password is not None else secrets.token_urlsafe(12)
    id, kind = names.new_id(), _role(role)
    hashed = HASHER.hash(chosen)
    with transaction():
        if accounts.find(address):
            raise Conflict(f"There is an account for {address} already.")
        agents.add(id, AgentType.PERSON, shown, "", now)
        accounts.add(id, address, hashed, kind)
        subscriptions.begin(id, now)
        auditing.record(actor, "accounts.create", f"agent:{id}", now, address)
        return described(found(id)), (chosen if password is None else None)


def _role(role: object) -> AccountRole:
    if role is None or role in list(AccountRole):
        return AccountRole(str(role or AccountRole.PERSON))
    raise Invalid(f"{names.shown(role)} is no role of an account; there are: {', '.join(AccountRole)}.")


def _password(password: object) -> str:
    least, most = PASSWORD_LENGTH
    if isinstance(password, str) and least <= len(password) <= most and password.isprintable():
        return password
    raise Invalid(f"A password must have {least} to {most} printable characters.")


def found(key: object) -> Account:
    """The account with that id or e-mail address; raises NotFound."""
    account = accounts.find(key.strip().lower()) if isinstance(key, str) and key.isprintable() else None
    if account is None:
        raise NotFound(f"There is no account {names.shown(key)}.")
    return account


def show(key: object) -> dict[str, Any]:
    """One account, by id or address; raises NotFound."""
    return described(found(key))


def listed(email: str | None = None) -> list[dict[str, Any]]:
    """All accounts, or the one with that address."""
    return [described(account) for account in accounts.listed(email.lower() if email else None)]


def described(account: Account) -> dict[str, Any]:
    """An account as the API shows it."""
    return {
        "id": account.id,
        "type": str(AgentType.PERSON),
        "name": account.agent.name,
        "email": account.email,
        "state": account.state,
        "role": account.role,
        "bots": [bot.name for bot in bots.listed(of=account.id)],
        "created_at": account.agent.created_at,
    }


def set_state(actor: str, key: object, state: object, why: Hold = Hold.OPERATOR) -> dict[str, Any]:
    """Suspend or resume an account: its bots stop, or go back to what they should be, each by a job.

    ``why`` says for which reason it is suspended, or for which no longer; it resumes when none is left.
    Returns {"agent", "jobs"}; no job for a bot that this changes nothing for.
    """
    if state not in list(AccountState):
        raise Invalid(f"{names.shown(state)} is no state of an account; there are: {', '.join(AccountState)}.")
    now = time.time()
    with transaction():
        account = found(key)
        owned = bots.listed(of=account.id)
        before = {bot.id: pillars.effective(bot) for bot in owned}
        now_is = holds.change(actor, account, AccountState(str(state)), why, now)
        accounts.change(account.id, state=str(now_is))
        changed = [bot for bot in owned if pillars.effective(bot) is not before[bot.id]]
        command = "bots.stop" if now_is is AccountState.SUSPENDED else "bots.start"
        made = [queue.ask(queue.Request(actor, None, command, bot.id), command, bot, now) for bot in changed]
        for node in {bot.node for bot in changed}:
            pillars.rewrite(node)
        auditing.record(actor, f"accounts.{state}", f"agent:{account.id}", now, f"{account.email}, {why}: {now_is}")
        return {"agent": described(found(account.id)), "jobs": [queue.described(job) for job in made]}


def sign_in(email: str, password: str, address: str) -> str:
    """The id of the account that this password opens; ``address`` is where the attempt comes from.

    Raises Unauthenticated (the same for a wrong address and a wrong password, after the same time), or TooMany after
    ten failures within 15 minutes.
    """
    written, now = email.strip().lower()[:400], time.time()
    who = hashlib.sha256(f"{written}\n{address}".encode(errors="replace")).hexdigest()
    if accounts.failures(who, now - LOCKED_S) >= FAILURES:
        raise TooMany("Too many sign-ins failed: wait 15 minutes, then try again.")
    account = accounts.find(written) if written.isprintable() else None
    right = _verified(account.password_hash if account else NOBODY, password[:1000])
    with transaction():
        if account is None or not right:
            accounts.add_failure(names.new_id(), who, now, now - LOCKED_S)
        else:
            accounts.forgive(who)
            auditing.record(f"account:{account.id}", "accounts.sign_in", f"agent:{account.id}", now)
    if account is None or not right:
        raise Unauthenticated("That address and password do not belong together. Check both, then try again.")
    return str(account.id)


def _verified(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password.encode(errors="replace"))
    except argon2.exceptions.VerificationError:
        return False


def session_of(id: str) -> str | None:
    """What a session of this account carries, or None: it changes with the password, which ends all sessions."""
    account = accounts.find(id)
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:16] if account else None
