"""Snapshots: what goes into the repository, and whether what is in there can be restored."""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pillar_service import __version__
from pillar_service.backups import postgres, restic
from pillar_service.backups.restic import Repository, Snapshot
from pillar_service.core.errors import Failed, Full, Invalid, NotFound
from pillar_service.core.service import backups as rules
from pillar_service.core.service.backups import Manifest
from pillar_service.settings import given, secret_files, settings
from pillar_service.store.service import backup_rounds, copying, figures
from pillar_service.usecases.service import doors, storage

Beat = Callable[[], None]


def repository() -> Repository:
    """The repository that the settings name; raises Invalid if they name none, or everybody can read its password."""
    chosen = settings()
    if not chosen.backup_repository:
        raise Invalid("There are no backups here: set CELLAR_BACKUP_REPOSITORY and CELLAR_BACKUP_PASSWORD_FILE.")
    return opened(
        chosen.backup_repository,
        chosen.backup_password_file,
        chosen.backup_folder / "cache",
        chosen.backup_sftp_command,
        chosen.backup_s3_file,
        chosen.domain,
    )


def opened(
    address: str, password_file: str, cache: Path, sftp_command: str = "", s3_file: str = "", place: str = ""
) -> Repository:
    """A repository whose password file was checked; raises Invalid if it can't be read, is empty, or everybody can read it."""
    try:
        if os.stat(password_file).st_mode & 0o007:
            raise Invalid(f"Everybody here can read the repository's password: chmod o= {password_file}.")
        if not Path(password_file).read_text().strip():
            raise Invalid(f"There is no password in {password_file}.")
    except OSError as error:
        raise Invalid(f"The repository's password can't be read ({error.strerror}: {password_file}).") from error
    return Repository(address, password_file, cache, sftp_command, s3_file, place)


def take(beat: Beat) -> Snapshot:
    """Make a snapshot, and remove old ones as the settings say; returns the new one, and raises what went wrong.

    The database is copied as it is at one moment; tars never change once they are there. ``beat`` is called all along.
    """
    chosen, where, paths = settings(), repository(), _paths()
    with _scratch("now") as folder, _on_disk():
        _lay_out(folder / rules.ROOT, paths, beat)
        taken = _taken(where, folder, [rules.ROOT, *paths], beat)
    restic.forget(where, chosen.backup_keep, beat)
    return taken


def _taken(where: Repository, folder: Path, paths: list[str], beat: Beat) -> Snapshot:
    def backup() -> Snapshot:
        return restic.backup(where, folder, paths, [where.password_file], beat)

    try:
        return backup()
    except NotFound:
        # The empty mount point of a disk that is not mounted must not be taken for a new repository.
        if backup_rounds.has_succeeded_at(where.address):
            raise NotFound(
                f"The repository {where.address}, which held snapshots, is not there: is its disk mounted?"
            ) from None
        restic.make(where)
        return backup()


def _paths() -> list[str]:
    paths = sorted({os.path.abspath(path) for path in (*settings().backup_paths, *secret_files())})
    for path in paths:
        if not os.path.lexists(path):
            mend = "put the secret back" if path in secret_files() else "correct CELLAR_BACKUP_PATHS"
            raise Failed(f"{path}, which is to be backed up, is not there: {mend}.")
    file = figures.database_file()
    for kept in filter(None, (file and os.path.abspath(file), str(settings().files.absolute()))):
        if any(Path(kept).is_relative_to(path) for path in paths):
            raise Invalid(
                f"CELLAR_BACKUP_PATHS includes {kept}, which is copied separately: leave it out, and name what is "
                "beside it."
            )
    return [path for path in paths if not any(str(above) in paths for above in Path(path).parents)]


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """An empty folder of ours that is gone afterwards."""
    folder = settings().backup_folder / name
    shutil.rmtree(folder, ignore_errors=True)  # what a process that died left behind
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Full("The service's disk is full: there is no room to put a backup together.") from error
        raise Failed(f"A backup could not be put together ({error}).") from error


def _lay_out(folder: Path, paths: list[str], beat: Beat) -> None:
    folder.mkdir(mode=0o700)
    told = _manifest(paths)
    told = _manifest(paths, storage.copy(folder / Path(told.copy).name, beat))
    _link_tars(folder / Path(rules.TARS).name)
    (folder / Path(rules.MANIFEST).name).write_text(told.text())
    (folder / Path(rules.ENVIRONMENT).name).write_text(json.dumps(given()))


def _manifest(paths: list[str], counts: dict[str, int] | None = None) -> Manifest:
    chosen, file = settings(), figures.database_file()
    return Manifest(
        taken_at=time.time(),
        version=__version__,
        database=f"sqlite:///{os.path.abspath(file)}" if file else postgres.without_password(chosen.database),
        is_sqlite=file is not None,
        tars=str(chosen.files.absolute()),
        paths=paths,
        doors=doors.ours(),
        counts=counts or {},
    )


def _link_tars(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for tar in settings().files.glob("*.tar"):
        try:
            os.link(tar, folder / tar.name)
        except FileNotFoundError:
            continue  # it has expired meanwhile
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copy2(tar, folder / tar.name)


def verify(beat: Beat) -> tuple[str, str]:
    """Restore the newest snapshot into a scratch folder and check it; returns its id and what was seen. Raises Failed.

    Checked are the repository itself, each file's content, SQLite's file page by page or PostgreSQL's dump restored
    into a scratch database, its rows against what was copied, and each tar against its checksum.
    """
    where = repository()
    id = restic.newest(where).id
    restic.check(where, beat)
    with _scratch("scratch") as folder, _on_disk():
        told = rules.manifest(restic.read(where, id, rules.MANIFEST))
        restic.restore(where, id, folder, [f"/{rules.ROOT}", *told.paths], beat)
        return id, look_through(folder, told, beat)


def file(where: Repository, snapshot: str | None, path: str) -> str:
    """A small file in a snapshot (the newest, if none is named), by its absolute path; raises NotFound."""
    return restic.read(where, snapshot or restic.newest(where).id, path)


def look_through(folder: Path, told: Manifest, beat: Beat) -> str:
    """What a restored snapshot holds, in a sentence, if it is what was copied; raises Failed."""
    missing = [path for path in told.paths if not os.path.lexists(f"{folder}{path}")]
    if missing:
        raise Failed(f"The snapshot lacks {missing[0]}.")
    counts, sums = _database(Path(f"{folder}{told.copy}"), told, beat)
    wrong = rules.differences(told, counts)
    if wrong:
        raise Failed(f"The copy of the database does not have the rows that were copied: {wrong}.")
    tars = _tars(Path(f"{folder}{rules.TARS}"), sums)
    return f"{sum(counts.values())} rows, {tars}, {len(told.paths)} files and folders beside it: as they were."


def _database(copy: Path, told: Manifest, beat: Beat) -> tuple[dict[str, int], dict[str, str]]:
    """The row counts of the copy once it is put back, and the checksum of each tar that it knows."""
    if told.is_sqlite:
        copying.check(copy)
        return copying.counts_of(copy), dict(copying.tars(copy))
    if figures.database_file():
        raise Failed("The snapshot is of PostgreSQL, which the service no longer uses: take a new one first.")
    with postgres.scratch(settings().database) as scratch:
        postgres.restore(scratch, copy, beat)
        return copying.put_back_at(scratch)


def _tars(there: Path, sums: Mapping[str, str]) -> str:
    found = [(file, sums[file.stem]) for file in there.glob("*.tar") if file.stem in sums]
    for file, sha256 in found:
        with file.open("rb") as tar:
            if hashlib.file_digest(tar, "sha256").hexdigest() != sha256:
                raise Failed(f"The tar {file.name} is not what it was: the snapshot is of no use for its bot.")
    return f"{len(found)} tars"
