"""The audit, as operators see it."""

from dataclasses import replace
from typing import Any

from pillar_service.core import names
from pillar_service.core.jobs import redaction
from pillar_service.core.listing import Cursor
from pillar_service.store import listings
from pillar_service.store.paging import Page
from pillar_service.store.service.audit import Audit
from pillar_service.usecases.admin import filters, naming

MOST = 500


def listed(
    before: str = "",
    actor: str = "",
    action: str = "",
    subject: str = "",
    account: str = "",
    since: str = "",
    until: str = "",
) -> filters.Listing:
    """What was done, newest first; if given, ``account`` is who did it, whatever ``actor`` says."""
    rows = listings.audit(
        filters.page(before, since, until),
        actor=f"account:{filters.account(account)}" if account else filters.word(actor, "actor"),
        action=filters.word(action, "action"),
        subject=filters.word(subject, "subject"),
    )
    return filters.listed(rows, lambda row: Cursor(row.at, row.id), named)


def newest(
    actor: str = "", action: str = "", subject: str = "", since: str = "", until: str = "", limit: object = 100
) -> list[dict[str, Any]]:
    """The newest audit rows, at most ``limit`` (up to 500); ``since`` and ``until`` are days (2026-11-24), both included."""
    most = names.whole_number(limit, "limit", 1, MOST)
    page = replace(filters.page("", since, until), limit=most)
    equal = {"actor": actor, "action": action, "subject": subject}
    rows = listings.audit(page, **{name: filters.word(value, name) for name, value in equal.items()})
    return described(rows)


def of_account(id: str, limit: int) -> list[dict[str, Any]]:
    """The newest of what an account did and of what was done to it."""
    page = Page(limit)
    both = listings.audit(page, actor=f"account:{id}") + listings.audit(page, subject=f"agent:{id}")
    unique = {row.id: row for row in both}.values()
    return named(sorted(unique, key=lambda row: (row.at, row.id), reverse=True)[:limit])


def named(rows: list[Audit]) -> list[dict[str, Any]]:
    """Audit rows with the names of the actor (``by``) and the subject (``about``), None for those without a name."""
    told = described(rows)
    called = naming.called(one[key] for one in told for key in ("actor", "subject"))
    return [{**one, "by": called.get(one["actor"]), "about": called.get(one["subject"])} for one in told]


def described(rows: list[Audit]) -> list[dict[str, Any]]:
    """Rows of the audit, without anything that looks like a secret."""
    told = ("n", "id", "at", "actor", "action", "subject")
    return [{**{name: getattr(row, name) for name in told}, "detail": redaction.text(row.detail)} for row in rows]
