"""The audit: who did what, when."""

from peewee import DoubleField, TextField

from pillar_service.store.database import Table


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
    Audit.create(id=id, at=at, actor=actor, action=action, subject=subject, detail=detail)


def about(subject: str) -> list[Audit]:
    """What was done to a subject, oldest first."""
    return list(Audit.select().where(Audit.subject == subject).order_by(Audit.at))
