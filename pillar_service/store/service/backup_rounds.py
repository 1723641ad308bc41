"""Rounds of backups: snapshots and verifications that are asked for, under way or over."""

from peewee import BigIntegerField, DoubleField, TextField

from pillar_service.core.service.backups import RoundKind, RoundState
from pillar_service.store.database import Table
from pillar_service.store.due import is_from_ahead


class BackupRound(Table):
    """One round. ``snapshot`` is restic's id, and ``added`` how many bytes were new in it.

    ``detail`` is what went wrong, or what was found. ``heard_at`` is when whoever works on it was last heard of.
    """

    id = TextField(primary_key=True)
    kind = TextField()
    state = TextField()
    actor = TextField()
    repository = TextField()
    snapshot = TextField(null=True)
    added = BigIntegerField(null=True)
    detail = TextField(default="")
    asked_at = DoubleField()
    began_at = DoubleField(null=True)
    heard_at = DoubleField(null=True)
    ended_at = DoubleField(null=True)


OPEN = BackupRound.state.in_([str(RoundState.ASKED), str(RoundState.RUNNING)])


def add(**columns: object) -> BackupRound:
    """Add a round."""
    return BackupRound.create(**columns)


def find(id: str) -> BackupRound | None:
    """The round with that id."""
    return BackupRound.get_or_none(BackupRound.id == id)


def open_of(kind: RoundKind) -> BackupRound | None:
    """The open round of a kind: asked for or under way."""
    return BackupRound.get_or_none((BackupRound.kind == str(kind)) & OPEN)


def open_rounds() -> list[BackupRound]:
    """The open rounds, in the order in which they were asked for."""
    return list(BackupRound.select().where(OPEN).order_by(BackupRound.asked_at, BackupRound.kind))


def newest(kind: RoundKind, now: float, state: RoundState | None = None) -> BackupRound | None:
    """The newest round of a kind, in this state if one is given.

    Skips rounds that were asked for while the clock was ahead.
    """
    wanted = (BackupRound.kind == str(kind)) & ~is_from_ahead(BackupRound.asked_at, now)
    rows = BackupRound.select().where(wanted if state is None else wanted & (BackupRound.state == str(state)))
    found: BackupRound | None = rows.order_by(BackupRound.asked_at.desc(), BackupRound.id).first()
    return found


def oldest() -> BackupRound | None:
    """The oldest round that is kept."""
    found: BackupRound | None = BackupRound.select().order_by(BackupRound.asked_at).first()
    return found


def has_succeeded_at(repository: str) -> bool:
    """Whether a snapshot was ever made in that repository, as far as rounds are kept."""
    made = (BackupRound.kind == str(RoundKind.BACKUP)) & (BackupRound.state == str(RoundState.SUCCEEDED))
    return bool(BackupRound.select().where(made & (BackupRound.repository == repository)).exists())


def listed(limit: int) -> list[BackupRound]:
    """The newest rounds, newest first."""
    return list(BackupRound.select().order_by(BackupRound.asked_at.desc(), BackupRound.id).limit(limit))


def move(id: str, now_in: RoundState, to: RoundState, **columns: object) -> bool:
    """Move a round from a state to another or the same, and change its columns; False when it was in another state."""
    moved = BackupRound.update(state=str(to), **columns)
    return bool(moved.where((BackupRound.id == id) & (BackupRound.state == str(now_in))).execute() == 1)


def forget(before: float) -> None:
    """Delete the rounds that ended before ``before`` (Unix seconds)."""
    BackupRound.delete().where(BackupRound.ended_at < before).execute()
