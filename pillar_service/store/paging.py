"""A page of a long list, newest first, that starts after the last row already seen.

The time alone limits the range read from the index; the id orders rows of the same time.
"""

from dataclasses import dataclass
from typing import Any

from peewee import Field, ModelSelect

from pillar_service.core.listing import Cursor


@dataclass(frozen=True)
class Page:
    """Which rows a page holds: at most ``limit``, after a row, from ``since`` to before ``until`` (Unix seconds)."""

    limit: int
    after: Cursor | None = None
    since: float | None = None
    until: float | None = None


def page_of(rows: "ModelSelect[Any]", at: Field, id: Field, page: Page) -> list[Any]:
    """Those of ``rows`` that are on the page, by the columns of their time and id."""
    if page.after is not None:
        rows = rows.where((at <= page.after.at) & ((at < page.after.at) | (id < page.after.id)))
    if page.since is not None:
        rows = rows.where(at >= page.since)
    if page.until is not None:
        rows = rows.where(at < page.until)
    return list(rows.order_by(at.desc(), id.desc()).limit(page.limit))
