"""The storage itself: the database and the folder for tars."""

import os
from collections.abc import Callable
from pathlib import Path

from pillar_service.backups import postgres
from pillar_service.settings import settings
from pillar_service.store import database, schema
from pillar_service.store.service import copying

FAULTS = database.FAULTS
explained = database.explained
release = database.release
revision = database.revision


def prepare() -> None:
    """Name the database and make the folders; nothing connects yet, so that a server can fork afterwards."""
    chosen = settings()
    chosen.files.mkdir(mode=0o700, parents=True, exist_ok=True)
    database.connect(chosen.database)


def migrate() -> list[str]:
    """Bring the schema up to date and return what was applied. Safe if several processes do it at once.

    Raises Conflict if a newer version of the service made the schema.
    """
    return schema.migrate()


def migrate_back(to: str | None = None) -> list[str]:
    """Undo the schema's newest step, or all after the step ``to``, and return what was undone; rows stay where they can.

    Raises NotFound for a step that was not taken, Conflict if a newer version of the service made the schema.
    """
    return schema.migrate_back(to)


def pending() -> tuple[str, dict[str, bool]]:
    """The newest step taken, and each one to come with whether the service must be stopped for it; raises Conflict."""
    return schema.pending()


def copy(into: Path, beat: Callable[[], None] = lambda: None) -> dict[str, int]:
    """Copy the database, as it is at one moment, while in use; the file is only for its owner, and appears once complete.

    From SQLite it is a database, from PostgreSQL an archive for pg_restore. ``beat`` is called now and then, and may
    raise. Returns how many rows it has, by table. Raises Full, Failed.
    """
    part = into.with_name(f"{into.name}.part")
    part.unlink(missing_ok=True)
    part.touch(0o600)
    try:
        counts = _copied(part, beat)
        part.rename(into)
    finally:
        part.unlink(missing_ok=True)  # half a copy on a full disk would take all that is left
    return counts


def _copied(part: Path, beat: Callable[[], None]) -> dict[str, int]:
    if database.on_sqlite():
        copying.copy(part)
        counts = copying.counts_of(part)
    else:
        with copying.held(settings().database) as (moment, counts):
            postgres.dump(settings().database, moment, part, beat)
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    return counts
