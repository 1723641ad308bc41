"""Readiness: what the service lacks to do its work now. Whether it is alive at all is another question (`/healthz`)."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.service import figures

LEAST_FREE = 32 << 20
"""With less free space than this, in bytes, the next write may fail: twice what SQLite's log reaches before it is copied."""


class Disk(NamedTuple):
    """A disk: its size in bytes, and the bytes that we may still use."""

    total: int
    free: int


def missing() -> list[str]:
    """What is missing, a sentence each; nothing if the service is ready. Takes some seconds if the database hangs."""
    return [*_of_the_database(), *_of_the_disks()]


def disks() -> dict[str, Disk]:
    """The disks that we write to, by what is on them: `files`, and `database` if it is a file on this machine."""
    return {of: Disk(*_measured(folder)) for of, folder in _folders().items() if folder.is_dir()}


def _folders() -> dict[str, Path]:
    file = figures.database_file()
    return {"files": settings().files, **({"database": Path(file).absolute().parent} if file else {})}


def _measured(folder: Path) -> tuple[int, int]:
    found = shutil.disk_usage(folder)
    return found.total, found.free


def _of_the_database() -> list[str]:
    try:
        unapplied = figures.unapplied()
    except database.FAULTS as error:
        database.release()
        return [database.explained(error).sentence]
    if not unapplied:
        return []
    first = f"{len(unapplied)}, the first is {unapplied[0]}"
    return [f"The database lacks migrations ({first}): run `python -m pillar_service.web migrate`."]


def _of_the_disks() -> list[str]:
    found = []
    for of, folder in _folders().items():
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            found.append(
                f"The folder of the {of} can't be written to: check that {folder} is there and its disk is mounted."
            )
        elif (free := shutil.disk_usage(folder).free) < LEAST_FREE:
            found.append(
                f"The disk of the {of} is full ({free >> 20} MiB are free): free {LEAST_FREE >> 20} MiB there."
            )
    return found
