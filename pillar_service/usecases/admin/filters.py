"""A listing's filters, read from an address; raises Invalid for impossible values, NotFound for an unknown account.

A listing is {"rows", "next"}: ``next`` is the cursor of the next page, None on the last one.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pillar_service.core import listing, names
from pillar_service.core.bots import health
from pillar_service.core.listing import PAGE, Cursor
from pillar_service.core.people.agents import Actual
from pillar_service.store.listings import Silence
from pillar_service.store.paging import Page
from pillar_service.usecases.people import accounts

Listing = dict[str, Any]


def page(before: str, since: str = "", until: str = "") -> Page:
    """The page after a cursor, of the days from ``since`` to ``until``; asks for one row more than is shown."""
    return Page(PAGE + 1, listing.cursor(before), listing.since(since), listing.until(until))


def listed(rows: list[Any], key: Callable[[Any], Cursor], described: Callable[[list[Any]], list[Any]]) -> Listing:
    """A listing of a page's rows."""
    there = rows[:PAGE]
    return {"rows": described(there), "next": str(key(there[-1])) if len(rows) > PAGE else None}


def one_of(known: type[StrEnum], value: str, what: str) -> str | None:
    """One of the values of an enum, or None for empty text."""
    return str(names.one_of(known, value, what)) if value else None


def word(value: str, what: str) -> str | None:
    """A line of text, or None for empty text."""
    return names.text(value, what, 300) if value else None


def account(key: str) -> str | None:
    """The id of the account with that id or address, or None for empty text."""
    return str(accounts.found(key).id) if key else None


def silence() -> Silence:
    """Which bots count as lost now."""
    settled = [str(state) for state in health.SETTLED]
    return Silence(time.time() - health.LOST_AFTER_S, settled, str(Actual.LOST))
