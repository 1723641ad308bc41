"""Accounts: the persons who own bots and sign in."""

import secrets
import time
from typing import Any, NamedTuple

from pillar_service.core import names
from pillar_service.core.errors import Conflict, NotFound, Unauthenticated
from pillar_service.core.people.agents import AccountRole, AccountState, AgentType, Hold
from pillar_service.core.people.limits import Tried
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts, agents
from pillar_service.store.people.accounts import Account
from pillar_service.usecases.jobs import queue
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.payments import subscriptions
from pillar_service.usecases.people import holds, limits, passwords
from pillar_service.usecases.service import auditing, sealing


class Proof(NamedTuple):
    """The account (its id) that somebody proved to be theirs, and the kept hash of the password that proved it."""

    account: str
    password_hash: str


WRONG = "That address and password do not match. Check both, then try again."


def create(
    actor: str, email: object, name: object = None, password: object = None, role: object = None
) -> tuple[dict[str, Any], str | None]:
    """Add an account; returns it, and the password if it was made here. Raises Invalid, Conflict (address taken).

    Whoever runs the place gives the address, so it counts as verified.
    """
    address = names.email(email)
    shown = names.text(address if name is None else name, "name", names.PERSON_NAME_LENGTH)
    chosen = passwords.shaped(password) if password is not None else secrets.token_urlsafe(12)
    kind = AccountRole.PERSON if role is None else names.one_of(AccountRole, role, "role of an account")
    made = add(actor, address, shown, passwords.hashed(chosen), kind, verified_at=time.time())
    return described(found(made)), (chosen if password is None else None)


def add(
    actor: str | None, email: str, name: str, hashed: str, role: AccountRole, verified_at: float | None = None
) -> str:
    """Add an account whose password is hashed already; returns its id. Without ``actor`` the newcomer made it themselves.

    Raises Conflict if there is an account for that address.
    """
    id, now = names.new_id(), time.time()
    with transaction():
        if accounts.with_email(email):
            raise Conflict(f"There is an account for {email} already.")
        agents.add(id, AgentType.PERSON, name, "", now)
        accounts.add(id, email, hashed, role, verified_at)
        before = accounts.left_last(_mark(email))
        subscriptions.begin(id, now, before)
        if actor is None and before is not None and holds.held_by_operator(before):
            set_state("service", id, AccountState.SUSPENDED)
        auditing.record(actor or f"account:{id}", "accounts.create", f"agent:{id}", now, email)
    return id


def gone(id: str, email: str) -> str:
    """What replaces the address of a deleted account.

    It reveals nothing of the address without CELLAR_SECRET_KEY, but lets the service recognise a person who makes an
    account with the same address again.
    """
    return f"{_mark(email)}{id}@invalid"


def _mark(email: str) -> str:
    return f"deleted-{sealing.mark('left', '', email)[:32]}-"


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
        "verified": account.verified_at is not None,
        "bots": [bot.name for bot in bots.listed(of=account.id)],
        "created_at": account.agent.created_at,
    }


def verify(actor: str, key: object) -> dict[str, Any]:
    """Mark an account's address as verified, on the word of whoever runs the place: without mail, no link can be sent.

    Returns {"agent", "jobs"}; raises NotFound.
    """
    now = time.time()
    with transaction():
        account = found(key)
        accounts.change(account.id, verified_at=now)
        auditing.record(actor, "accounts.verify", f"agent:{account.id}", now, account.email)
        return {"agent": described(found(account.id)), "jobs": []}


def set_state(actor: str, key: object, state: object, why: Hold = Hold.OPERATOR) -> dict[str, Any]:
    """Suspend or resume an account: its bots stop, or go back to what they should be, each by a job.

    ``why`` is the reason that is added or taken away; the account resumes when no reason is left. Returns {"agent",
    "jobs"}, with a job only for each bot that this changes something for.
    """
    wanted, now = names.one_of(AccountState, state, "state of an account"), time.time()
    with transaction():
        account = found(key)
        owned = bots.listed(of=account.id)
        before = {bot.id: pillars.effective(bot) for bot in owned}
        now_is = holds.change(actor, account, wanted, why, now)
        accounts.change(account.id, state=str(now_is))
        changed = [bot for bot in owned if pillars.effective(bot) is not before[bot.id]]
        command = "bots.stop" if now_is is AccountState.SUSPENDED else "bots.start"
        made = [queue.ask(queue.Request(actor, None, command, bot.id), command, bot, now) for bot in changed]
        for node in {bot.node for bot in changed}:
            pillars.rewrite(node)
        auditing.record(actor, f"accounts.{wanted}", f"agent:{account.id}", now, f"{account.email}, {why}: {now_is}")
        return {"agent": described(found(account.id)), "jobs": [queue.described(job) for job in made]}


def proof(account: Account) -> Proof:
    """The proof for an account as it was read."""
    return Proof(account.id, account.password_hash)


def is_still(before: Proof) -> bool:
    """Whether an account still exists and has the password that it had then."""
    now = accounts.find(before.account)
    return now is not None and proof(now) == before and now.agent.removed_at is None


def sign_in(email: str, password: str, address: str) -> Proof:
    """The account that this password opens, with its proof; ``address`` is where the attempt comes from.

    If `second_factor.is_on`, this is only the first step. Raises Unauthenticated (the same for an unknown address and a
    wrong password, after the same time), or TooMany after too many failures within 15 minutes (core.people.limits).
    """
    written = email.strip().lower()[:400]
    attempt = limits.spend(Tried.SIGN_IN, written, address)
    account = accounts.with_email(written) if written.isprintable() else None
    right = passwords.is_right(account.password_hash if account else passwords.nobodys(), password)
    if account is None or not right:
        raise Unauthenticated(WRONG)
    with transaction():
        # Checking takes a while; meanwhile the password may have been changed because somebody else knows it.
        if not is_still(proof(account)):
            raise Unauthenticated(WRONG)
        limits.settle(attempt)
        auditing.record(f"account:{account.id}", "accounts.sign_in", f"agent:{account.id}", time.time())
    return proof(account)
