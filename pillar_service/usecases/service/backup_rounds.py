"""Rounds of backups: asked for by an operator or by the schedule, carried out by one worker at a time."""

import logging
import time
from contextlib import suppress
from typing import Any

from pillar_service.backups import restic
from pillar_service.core import names
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import NotFound, SaltcellarError
from pillar_service.core.service import backups as rules
from pillar_service.core.service.backups import RoundKind, RoundState
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.service import backup_rounds as rows
from pillar_service.store.service import figures
from pillar_service.store.service.backup_rounds import BackupRound
from pillar_service.usecases.service import auditing, snapshots

SCHEDULE = "schedule"
"""The actor of rounds that are due."""

KEPT_S = 400 * DAY_S
MOST_LISTED = 100
DIED = "The process that worked on it died, or was cut off from the database: the next one starts afresh."

log = logging.getLogger(__name__)


class _Lost(Exception):
    """The round was taken from its worker: whatever that worker still does for it does not count."""


def ask(actor: str, kind: RoundKind) -> dict[str, Any]:
    """Ask for a backup or a verification; returns the open one if there is one. Raises Invalid without a repository."""
    snapshots.repository()
    return described(_asked(actor, kind, time.time()))


def _asked(actor: str, kind: RoundKind, now: float) -> BackupRound:
    with transaction():
        there = rows.open_of(kind)
        if there is not None and not _is_dead(there, now):
            return there
        _bury(there, now)
        made = rows.add(
            id=names.new_id(), kind=str(kind), state=str(RoundState.ASKED), actor=actor,
            repository=settings().backup_repository, asked_at=now,
        )  # fmt: skip
        auditing.record(actor, f"backups.{kind}", f"backup:{made.id}", now)
        return made


def listed() -> list[dict[str, Any]]:
    """The newest rounds, newest first."""
    return [described(one) for one in rows.listed(MOST_LISTED)]


def show(id: object) -> dict[str, Any]:
    """One round; raises NotFound."""
    found = rows.find(id) if names.is_id(id) else None
    if found is None:
        raise NotFound(f"There is no backup {names.shown(id)}.")
    return described(found)


def kept() -> dict[str, Any]:
    """What the repository holds now: {"repository", "snapshots": [{"id", "time"}]}, oldest first."""
    where = snapshots.repository()
    found = [{"id": one.id, "time": one.time} for one in restic.snapshots(where)]
    return {"repository": where.address, "snapshots": found}


def standing(now: float) -> list[dict[str, Any]]:
    """How each kind of round stands, if there are backups; a list of dicts.

    Each says when the last good one began (None), for how long there has been none and how often there should be one
    (both in seconds), and why the last one failed ("").
    """
    return [_standing(kind, now) for kind in RoundKind if settings().backup_repository and _every_s(kind)]


def _standing(kind: RoundKind, now: float) -> dict[str, Any]:
    good, last, first = rows.newest(kind, now, RoundState.SUCCEEDED), rows.newest(kind, now), rows.oldest()
    since = good or first
    # If none was ever asked for, whoever should ask does not run: count from when the database was made.
    none_since = since.asked_at if since else figures.began()
    is_failed = last is not None and last.state == RoundState.FAILED
    return {
        "kind": str(kind),
        "succeeded_at": good.began_at if good else None,
        "age_s": max(0.0, now - none_since),
        "every_s": _every_s(kind),
        "error": last.detail if is_failed and last else "",
    }


def _every_s(kind: RoundKind) -> float:
    if kind is RoundKind.BACKUP:
        return settings().backup_hours * 3600.0
    return settings().backup_verify_days * DAY_S


def described(one: BackupRound) -> dict[str, Any]:
    """A round as the API shows it."""
    return {name: getattr(one, name) for name in one._meta.sorted_field_names if name != "heard_at"}


def step(now: float | None = None) -> bool:
    """Ask for the rounds that are due, and carry out one that waits; False if none does. It may take hours."""
    then = time.time() if now is None else now
    _ask_due(then)
    one = _claim(then)
    if one is None:
        return False
    try:
        done = _work(one)
    except _Lost:
        log.warning("The %s %s gave no sign of life for too long: another was begun.", one.kind, one.id)
    except SaltcellarError as error:
        log.error("The %s %s has failed: %s", one.kind, one.id, error.sentence)
        _end(one, RoundState.FAILED, detail=error.sentence)
    except Exception as error:
        _end(one, RoundState.FAILED, detail=f"Something unexpected went wrong ({type(error).__name__}): read the log.")
        raise
    else:
        _end(one, RoundState.SUCCEEDED, **done)
    return True


def _ask_due(now: float) -> None:
    for kind in RoundKind:
        if is_due(kind, now):
            _asked(SCHEDULE, kind, now)  # wrong settings are reported by the round that fails


def is_due(kind: RoundKind, now: float) -> bool:
    """Whether the schedule asks for a round: its time has come, none is being worked on, and there is something to verify."""
    there = rows.open_of(kind)
    if there is not None:
        return _is_dead(there, now)
    every_s = _every_s(kind)
    if not every_s or (kind is RoundKind.VERIFICATION and not rows.newest(RoundKind.BACKUP, now, RoundState.SUCCEEDED)):
        return False
    last = rows.newest(kind, now)
    return last is None or rules.is_due(last.asked_at, last.state == RoundState.SUCCEEDED, every_s, now)


def _is_dead(one: BackupRound, now: float) -> bool:
    return one.state == RoundState.RUNNING and rules.is_dead(one.heard_at or 0.0, now)


def _bury(one: BackupRound | None, now: float) -> None:
    if one is not None:
        rows.move(one.id, RoundState.RUNNING, RoundState.FAILED, ended_at=now, detail=DIED)


def _claim(now: float) -> BackupRound | None:
    """The round that waits, now ours; None if there is none or another is running: a check needs the repository to itself."""
    if not any(one.state == RoundState.ASKED for one in rows.open_rounds()):
        return None
    with transaction():
        there = rows.open_rounds()
        if not there or any(one.state == RoundState.RUNNING for one in there):
            return None
        rows.move(there[0].id, RoundState.ASKED, RoundState.RUNNING, began_at=now, heard_at=now)
        rows.forget(now - KEPT_S)
        return there[0]


def _work(one: BackupRound) -> dict[str, Any]:
    def beat() -> None:
        is_ours = True
        with suppress(SaltcellarError), transaction():  # a busy database does not end a backup
            is_ours = rows.move(one.id, RoundState.RUNNING, RoundState.RUNNING, heard_at=time.time())
        if not is_ours:
            raise _Lost

    if one.kind == RoundKind.BACKUP:
        taken = snapshots.take(beat)
        return {"snapshot": taken.id, "added": taken.added}
    snapshot, seen = snapshots.verify(beat)
    return {"snapshot": snapshot, "detail": seen}


def _end(one: BackupRound, state: RoundState, **columns: Any) -> None:
    now = time.time()
    with transaction():
        if rows.move(one.id, RoundState.RUNNING, state, ended_at=now, **columns):
            said = columns.get("detail") or columns.get("snapshot") or ""
            auditing.record(one.actor, f"backups.{state}", f"backup:{one.id}", now, f"{one.kind}: {said}")
