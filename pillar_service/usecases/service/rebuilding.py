"""Rebuilding: a lost control plane is put back from a snapshot, where it was. Nodes and their bots notice nothing."""

import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pillar_service.backups import postgres, restic
from pillar_service.backups.restic import Repository
from pillar_service.core.errors import Conflict, Failed
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.service import backups as rules
from pillar_service.core.service.backups import Manifest, RoundKind, RoundState
from pillar_service.programs.running import ran
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.service import backup_rounds, copying
from pillar_service.usecases.jobs import endings
from pillar_service.usecases.service import auditing, doors

SETTLE_S = 600.0
FORGOTTEN = (
    "The control plane was lost, and restored from a backup in which this was still waiting: it may have been done "
    "since. Check, and ask again if it is still wanted."
)


def rebuild(where: Repository, snapshot: str | None = None, database: str | None = None) -> dict[str, Any]:
    """Put back a snapshot (the newest, if none is named) where it was: files and folders, tars, and last the database.

    Returns {"snapshot", "taken_at", "database", "settings"}; ``settings`` is the file with the settings that the
    service had. If it was killed, running it again goes on. If ``database`` is given, the snapshot must be of that
    address.
    Raises NotFound (no snapshot), Conflict (something is there or answers, or the snapshot is of another database:
    nothing was touched), Failed.
    """
    id = snapshot or restic.newest(where).id
    told = rules.manifest(restic.read(where, id, rules.MANIFEST))
    environment = json.loads(restic.read(where, id, rules.ENVIRONMENT))
    if database is not None and (database if told.is_sqlite else postgres.without_password(database)) != told.database:
        raise Conflict(f"The snapshot is of {told.database}, not of {database}: it can only be put back where it was.")
    address = _address(where, id, told, environment)
    doors.refuse_where_one_answers(told.doors)
    home = Path(told.tars).parent
    begun = home / "backups" / "rebuilding"
    if not begun.exists() or begun.read_text() != id:
        _refuse_over_anything(told, address)
        begun.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        begun.write_text(id)
    _put_back(where, id, told, address, home)
    settings = _kept_settings(home, environment)
    _settle(environment, id)
    begun.unlink()
    return {"snapshot": id, "taken_at": told.taken_at, "database": told.database, "settings": str(settings)}


def _address(where: Repository, id: str, told: Manifest, environment: dict[str, str]) -> str:
    """The database's address with its password, which may stand in a file that is lost, too."""
    file = environment.get("CELLAR_DATABASE_FILE")
    return restic.read(where, id, file).strip() if file else environment.get("CELLAR_DATABASE", told.database)


def _refuse_over_anything(told: Manifest, address: str) -> None:
    for path in (*told.paths, told.tars):
        if os.path.lexists(path) and not (os.path.isdir(path) and not os.listdir(path)):
            raise Conflict(f"{path} is there already: move it away first. Nothing was touched.")
    if not told.is_sqlite and postgres.tables(address):
        raise Conflict(
            f"The database {told.database} is not empty: make a new one (dropdb, createdb). Nothing was touched."
        )
    if told.is_sqlite:
        copying.refuse_over_another(_file(told))


def _file(told: Manifest) -> Path:
    return Path(told.database.removeprefix("sqlite:///"))


def _put_back(where: Repository, id: str, told: Manifest, address: str, home: Path) -> None:
    scratch = home / "backups" / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    restic.restore(where, id, scratch, [f"/{rules.ROOT}"])
    if told.paths:
        restic.restore(where, id, Path("/"), told.paths)
    Path(told.tars).mkdir(mode=0o700, parents=True, exist_ok=True)
    for tar in Path(f"{scratch}{rules.TARS}").glob("*.tar"):
        os.chown(tar, os.geteuid(), os.getegid())  # belongs to the service's user, which may have had another number
        tar.replace(Path(told.tars) / tar.name)
    copy = Path(f"{scratch}{told.copy}")
    if told.is_sqlite:
        copying.put_back(copy, _file(told))
    elif not postgres.tables(address):
        postgres.restore(address, copy)
    shutil.rmtree(scratch)


def _kept_settings(home: Path, environment: dict[str, str]) -> Path:
    """Write a file that a shell can read: settings that the service got only from its environment are kept nowhere else."""
    file = home / "settings-before"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as kept:
        kept.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items()))
    return file


def _settle(environment: dict[str, str], id: str) -> None:
    # In a process of its own: settings are read once, and these are another service's.
    command = [sys.executable, "-m", "pillar_service.web", "settle", id]
    said = ran(command, environment, SETTLE_S, Path(__file__).parents[3])
    if said.code:
        raise Failed(f"The database is back, but could not be brought up to date: {said.last} Run this again.")


def settle(snapshot: str) -> int:
    """End what waits in a database that was put back, as it may have been done since; returns how many jobs. Harmless twice."""
    now = time.time()
    with transaction():
        waiting = jobs.not_begun()
        for job in waiting:
            endings.end(job, JobState.CANCELLED, FORGOTTEN, now)
        for one in backup_rounds.open_rounds():  # the one that made the snapshot
            made = {"snapshot": snapshot} if one.kind == RoundKind.BACKUP else {}
            to = RoundState.SUCCEEDED if made and one.state == RoundState.RUNNING else RoundState.FAILED
            backup_rounds.move(one.id, RoundState(one.state), to, ended_at=now, **made)
        auditing.record(
            rules.RESTORER, "backups.restored", f"backup:{snapshot}", now, f"{len(waiting)} jobs that waited were ended"
        )
    return len(waiting)
