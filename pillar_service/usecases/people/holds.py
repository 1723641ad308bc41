"""Holds: why an account is suspended, so that a payment does not undo an operator's decision, nor the reverse."""

from pillar_service.core.errors import Conflict
from pillar_service.core.people.agents import AccountState, Hold
from pillar_service.store.people import holds
from pillar_service.store.people.accounts import Account


def change(actor: str, account: Account, state: AccountState, why: Hold, now: float) -> AccountState:
    """Put or lift a hold, in the caller's transaction; returns the resulting state of the account.

    Raises Conflict if an operator resumes an account that is suspended because nobody paid.
    """
    if state is AccountState.SUSPENDED:
        holds.put(account.id, why, actor, now)
        return AccountState.SUSPENDED
    there = holds.of(account.id)
    if why is Hold.OPERATOR and there == {Hold.PAYMENT}:
        raise Conflict(
            f"{account.email} is suspended because nothing was paid: mark a month as paid "
            f"(`salt-run payments.mark_paid {account.email}`), and its bots run again."
        )
    holds.lift(account.id, why)
    return AccountState.SUSPENDED if there - {why} else AccountState.ACTIVE


def held_by_operator(account: str) -> bool:
    """Whether an operator suspended that account (its id)."""
    return Hold.OPERATOR in holds.of(account)
