"""The audit: who did what, when."""

from collections.abc import Iterable

from peewee import DoubleField, TextField

from pillar_service.store import plain
from pillar_service.store.database import Table
from pillar_service.store.paging import Page, page_of


class Audit(Table):
    """One thing that somebody did. ``detail`` never holds a secret."""

    id = TextField(primary_key=True)
    at = DoubleField()
    actor = TextField()
    action = TextField()
    subject = TextField()
    detail = TextField()


def add(id: str, at: float, actor: str, action: str, subject: str, detail: str) -> None:
    """Write one row."""
    columns = {"id": id, "at": at, "actor": actor, "action": action, "subject": subject, "detail": detail}
    plain.add(Audit, columns)


def happened(subject: str, prefix: str, but: Iterable[str], page: Page) -> list[Audit]:
    """What was done to a subject by actions that begin so, but not by these, newest first."""
    rows = Audit.select().where((Audit.subject == subject) & Audit.action.not_in(list(but)))
    rows = rows.where(Audit.action.startswith(prefix)) if prefix else rows
    return page_of(rows, Audit.at, Audit.id, page)


def about(subject: str) -> list[Audit]:
    """What was done to a subject, oldest first."""
    return list(Audit.select().where(Audit.subject == subject).order_by(Audit.at))


def by(actor: str) -> list[Audit]:
    """What an actor did, oldest first."""
    return list(Audit.select().where(Audit.actor == actor).order_by(Audit.at))


def blank(subject: str) -> None:
    """Forget the details of what was done to a subject; that it was done stays."""
    Audit.update(detail="").where(Audit.subject == subject).execute()


def blank_said(detail: str) -> None:
    """Forget a detail, such as an address, wherever it is all that a row says."""
    Audit.update(detail="").where(Audit.detail == detail).execute()
