"""What long listings share: pages that stay correct while rows are added, and days as people write them.

A page starts after the last row seen (its time and id), not after a number of rows: new rows at the top push nothing
onto the next page.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape

from pillar_service.core.errors import Invalid
from pillar_service.core.names import shown

PAGE = 50
"""How many rows a page has."""

CURSOR = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,17})?)_([A-Za-z0-9._-]{1,128})", re.ASCII)


ROOM = 40_000
"""How many bytes of HTML a list may take, so that its page stays under 150 KB with styles and scripts."""


def fitting(texts: Iterable[str]) -> int:
    """How many of these texts fit on a page, one below the other."""
    room, count = ROOM, 0
    for text in texts:
        room -= len(f"<li>{escape(text)}</li>".encode())
        if room < 0:
            break
        count += 1
    return count


@dataclass(frozen=True)
class Cursor:
    """The last row seen: when it was (Unix seconds) and its id."""

    at: float
    id: str

    def __str__(self) -> str:
        return f"{self.at!r}_{self.id}"


def cursor(written: str) -> Cursor | None:
    """The cursor in a page's address, None if empty; raises Invalid."""
    if not written:
        return None
    found = CURSOR.fullmatch(written)
    if found is None or not math.isfinite(float(found[1])):
        raise Invalid("There is no such page: go back to the first one.")
    return Cursor(float(found[1]), found[2])


def since(day: str) -> float | None:
    """When a day (2026-01-31, UTC) begins, in Unix seconds; None for an empty text; raises Invalid."""
    return _midnight(day).timestamp() if day else None


def until(day: str) -> float | None:
    """When a day (2026-01-31, UTC) ends, in Unix seconds; None for an empty text; raises Invalid."""
    return (_midnight(day) + timedelta(days=1)).timestamp() if day else None


def _midnight(day: str) -> datetime:
    try:
        read = date.fromisoformat(day)
    except ValueError as error:
        raise Invalid(f"{shown(day)} is not a date: write it as 2026-01-31.") from error
    if not 1970 <= read.year < 3000:
        raise Invalid(f"{shown(day)} is out of range: use a date from 1970 to 2999.")
    return datetime(read.year, read.month, read.day, tzinfo=UTC)
