"""A page of a long list, newest first: the one condition that begins it after a row that was seen.

The time alone bounds the index; the id orders rows of the same time.
"""

from dataclasses import dataclass
from typing import Any

from peewee import Field, ModelSelect

from pillar_service.core.listing import Cursor


@dataclass(frozen=True)
class Page:
    """Which rows: after which one, from when until when (Unix seconds), at most how many."""

    limit: int
    after: Cursor | None = None
    since: float | None = None
    until: float | None = None


def page_of(rows: "ModelSelect[Any]", at: Field, id: Field, page: Page) -> list[Any]:
    """Those of the rows, by their time and id, that stand on that page."""
    if page.after is not None:
        rows = rows.where((at <= page.after.at) & ((at < page.after.at) | (id < page.after.id)))
    if page.since is not None:
        rows = rows.where(at >= page.since)
    if page.until is not None:
        rows = rows.where(at < page.until)
    return list(rows.order_by(at.desc(), id.desc()).limit(page.limit))
