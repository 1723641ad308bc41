"""Rounds of backups: snapshots and verifications, asked for, under way and over."""

from peewee import BigIntegerField, DoubleField, TextField

from pillar_service.core.durations import AHEAD_S
from pillar_service.core.service.backups import RoundKind, RoundState
from pillar_service.store.database import Table


class BackupRound(Table):
    """One round. ``snapshot`` is restic's id, ``added`` how many bytes were new in it, ``detail`` what went wrong, or what was
    seen; ``heard_at`` when who works on it was last heard."""

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
    """The round of a kind that is asked for or under way."""
    return BackupRound.get_or_none((BackupRound.kind == str(kind)) & OPEN)


def open_rounds() -> list[BackupRound]:
    """The rounds that are asked for or under way, the first that was asked for first."""
    return list(BackupRound.select().where(OPEN).order_by(BackupRound.asked_at, BackupRound.kind))


def newest(kind: RoundKind, now: float, state: RoundState | None = None) -> BackupRound | None:
    """The last round of a kind that was asked for, or the last that is in this state; none of a future that never was."""
    wanted = (BackupRound.kind == str(kind)) & (BackupRound.asked_at <= now + AHEAD_S)
    rows = BackupRound.select().where(wanted if state is None else wanted & (BackupRound.state == str(state)))
    found: BackupRound | None = rows.order_by(BackupRound.asked_at.desc(), BackupRound.id).first()
    return found


def oldest() -> BackupRound | None:
    """The first round that is known."""
    found: BackupRound | None = BackupRound.select().order_by(BackupRound.asked_at).first()
    return found


def has_succeeded_at(repository: str) -> bool:
    """Whether a snapshot was ever made there."""
    made = (BackupRound.kind == str(RoundKind.BACKUP)) & (BackupRound.state == str(RoundState.SUCCEEDED))
    return bool(BackupRound.select().where(made & (BackupRound.repository == repository)).exists())


def listed(limit: int) -> list[BackupRound]:
    """The newest rounds, the newest first."""
    return list(BackupRound.select().order_by(BackupRound.asked_at.desc(), BackupRound.id).limit(limit))


def move(id: str, now_in: RoundState, to: RoundState, **columns: object) -> bool:
    """Move a round from one state to another, or change it within one; False when somebody else moved it."""
    moved = BackupRound.update(state=str(to), **columns)
    return bool(moved.where((BackupRound.id == id) & (BackupRound.state == str(now_in))).execute() == 1)


def forget(before: float) -> None:
    """Forget rounds that ended before then."""
    BackupRound.delete().where(BackupRound.ended_at < before).execute()
