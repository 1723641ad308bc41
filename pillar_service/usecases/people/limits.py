"""Limits: how often something may be tried; kept in the database, so that all workers count together."""

import hashlib
import time
from dataclasses import dataclass

from pillar_service.core import names
from pillar_service.core.errors import TooMany
from pillar_service.core.people import limits
from pillar_service.core.people.limits import Tried
from pillar_service.store import database
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts


@dataclass(frozen=True)
class Attempt:
    """An attempt that counts as failed until it is settled."""

    ids: list[str]
    pair: str


def spend(tried: Tried, account: str, address: str | None = None) -> Attempt:
    """Count an attempt before it is made, so that many at once can't exceed the limit.

    ``account`` is an id or an e-mail address, ``address`` where the attempt comes from. Raises TooMany. Don't call it
    inside a transaction: if that failed, the count would be rolled back with it.
    """
    if database.in_transaction():
        raise RuntimeError("An attempt is counted before the transaction, not in it.")
    now = time.time()
    counted = _counted(tried, account, address)
    with transaction():
        accounts.forget_failures(now - limits.WINDOW_S, now + limits.WINDOW_S)
        if any(accounts.failures(who, now - limits.WINDOW_S) >= most for who, most in counted.items()):
            raise TooMany("Too many attempts: wait 15 minutes, then try again.")
        ids = [names.new_id() for _ in counted]
        for id, who in zip(ids, counted, strict=True):
            accounts.add_failure(id, who, now)
    return Attempt(ids, _pair(tried, account, address))


def _counted(tried: Tried, account: str, address: str | None) -> dict[str, int]:
    counted = {_key(tried, "account", account): limits.PER_ACCOUNT[tried]}
    if address is not None:
        counted[_key(tried, "network", limits.network(address))] = limits.PER_NETWORK[tried]
    if address is not None and tried is Tried.SIGN_IN:
        counted[_pair(tried, account, address)] = limits.PAIR
    return counted


def _pair(tried: Tried, account: str, address: str | None) -> str:
    return _key(tried, "pair", account, address and limits.network(address))


def _key(tried: Tried, *parts: str | None) -> str:
    written = "\n".join([str(tried), *(part or "" for part in parts)])
    return hashlib.sha256(written.encode(errors="replace")).hexdigest()


def settle(attempt: Attempt) -> None:
    """Take back an attempt that succeeded, and forgive the account's earlier failures from the same network."""
    accounts.take_back(attempt.ids)
    accounts.forgive(attempt.pair)
