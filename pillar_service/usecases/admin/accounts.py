"""Accounts, as operators see them: without anything about passwords."""

import time
from collections.abc import Iterable
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.listing import Cursor
from pillar_service.core.people.agents import AccountRole, AccountState
from pillar_service.settings import settings
from pillar_service.store import listings
from pillar_service.store.database import transaction
from pillar_service.store.people.accounts import Account
from pillar_service.usecases.admin import audit, bots, filters, jobs
from pillar_service.usecases.payments import payments, taking_back
from pillar_service.usecases.people import accounts, second_factor
from pillar_service.usecases.service import auditing

REASON_LENGTH = 300


def listed(before: str = "", state: str = "", role: str = "", since: str = "", until: str = "") -> filters.Listing:
    """Accounts, newest first."""
    rows = listings.accounts(
        filters.page(before, since, until),
        state=filters.one_of(AccountState, state, "state of an account"),
        role=filters.one_of(AccountRole, role, "role"),
    )
    return filters.listed(rows, lambda row: Cursor(row.agent.created_at, row.id), described)


def described(rows: Iterable[Account]) -> list[dict[str, Any]]:
    """Accounts with the number of their bots."""
    found = list(rows)
    owning = listings.owning([row.id for row in found])
    return [
        {
            "id": row.id,
            "name": row.agent.name,
            "email": row.email,
            "state": row.state,
            "role": row.role,
            "bots": owning.get(row.id, 0),
            "created_at": row.agent.created_at,
            "removed_at": row.agent.removed_at,
        }
        for row in found
    ]


def show(id: str) -> dict[str, Any]:
    """One account: {"account", "bots", "jobs", "audit", "payment", "newest_mark", "has_second_factor"}; raises NotFound.

    Of bots, jobs and audit rows, the newest. ``newest_mark`` is the id of the payment that can be taken back.
    """
    account = accounts.found(id)
    return {
        "account": described([account])[0],
        "bots": bots.listed(account=account.id)["rows"],
        "jobs": jobs.listed(account=account.id)["rows"][:20],
        "audit": audit.of_account(account.id, 20),
        "payment": payments.show(account.id),
        "newest_mark": taking_back.newest(account.id),
        "has_second_factor": second_factor.is_on(account.id),
    }


def takes_payments() -> bool:
    """Whether months can be marked paid."""
    return settings().price_cents > 0


def mark_paid(actor: str, id: object, months: object, key: str | None = None) -> None:
    """Mark months of an account as paid, once for the same ``key``; raises Conflict if the place is free."""
    if not takes_payments():
        raise Conflict("This place is free: nobody pays here.")
    payments.mark_paid(actor, accounts.found(id).id, months, key)


def take_back(actor: str, id: object, payment: object) -> None:
    """Take back, once, what was marked as paid by mistake (a payment's id); raises NotFound, Conflict."""
    taking_back.take_back(actor, accounts.found(id).id, payment)


def suspend(actor: str, person: str, id: object, reason: object) -> dict[str, Any]:
    """Suspend an account, for a reason that the audit keeps; ``person`` is who does it. Returns {"agent", "jobs"}."""
    if accounts.found(id).id == person:
        raise Conflict("This is your own account: ask another operator to suspend it.")
    return _set_state(actor, "accounts.suspend", id, AccountState.SUSPENDED, reason)


def resume(actor: str, id: object, reason: object) -> dict[str, Any]:
    """Resume an account, for a reason that the audit keeps. Returns {"agent", "jobs"}."""
    return _set_state(actor, "accounts.resume", id, AccountState.ACTIVE, reason)


def take_second_factor_off(actor: str, person: str, id: object, reason: object) -> dict[str, Any]:
    """Turn off the second factor of somebody who has lost it, for a reason that the audit keeps. Returns {"agent", "jobs"}."""
    if accounts.found(id).id == person:
        raise Conflict("This is your own account: turn the second factor off on your account's page.")
    with transaction():
        done = second_factor.take_off(actor, id)
        _say_why(actor, "accounts.second_factor_off", done, reason)
        return done


def _set_state(actor: str, action: str, id: object, state: AccountState, reason: object) -> dict[str, Any]:
    with transaction():
        done = accounts.set_state(actor, id, state)
        _say_why(actor, action, done, reason)
        return done


def _say_why(actor: str, action: str, done: dict[str, Any], reason: object) -> None:
    said = names.text(reason, "reason", REASON_LENGTH).strip()
    if not said:
        raise Invalid("Say why: the reason is kept in the audit.")
    auditing.record(actor, action, f"agent:{done['agent']['id']}", time.time(), said)
