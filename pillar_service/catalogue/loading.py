"""Reads the folder of the catalogue: three files of limited size. All faults are reported at once."""

import hashlib
import stat
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from pillar_service.catalogue import commands, crossing, personas, roles
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks.catalogue import Catalogue
from pillar_service.core.meeseeks.loaded import Loaded
from pillar_service.documents import reading
from pillar_service.documents.faults import Faults, raise_any

COMMANDS, ROLES, PERSONAS = FILES = ("commands.yaml", "roles.yaml", "personas.yaml")

SETTLED_S = 0.5
"""How old the last change of a file must be for the file to count as written."""

Folder = str | PathLike[str]


class FileStamp(NamedTuple):
    """What changes with a file; its permissions alone change only ``changed_ns``, and one that could not be read is then
    tried again."""

    written_ns: int
    size: int
    inode: int
    changed_ns: int


Stamp = tuple[FileStamp | None, ...]


def load(directory: Folder, states: Folder | None = None) -> Loaded:
    """The catalogue, roles and personas from a folder; with ``states``, scripts of commands must exist in that
    folder, with the hashes that are given for them.

    Raises Invalid with every fault, one per line: `commands.yaml:12: sentence`.
    """
    raw = {name: _bytes(Path(directory) / name) for name in FILES}
    noted = {name: Faults(name) for name in FILES}
    values = {name: reading.plain(raw[name], noted[name]) for name in FILES}
    known = commands.read(values[COMMANDS], noted[COMMANDS])
    policy = roles.read(values[ROLES], noted[ROLES])
    talk = personas.read(values[PERSONAS], noted[PERSONAS])
    declared = _keys(values[COMMANDS], "commands")
    crossing.check_commands(known, declared, _keys(values[ROLES], "roles"), noted[COMMANDS])
    crossing.check_grants(policy, known, declared, noted[ROLES])
    if states is not None:
        crossing.check_scripts(known, Path(states), noted[COMMANDS])
    raise_any(*noted.values())
    return Loaded(Catalogue(known), policy, talk, _fingerprint(raw))


def stamp(directory: Folder) -> Stamp:
    """A value that changes when a file of the folder does, and is cheap to compute; None stands for a missing file."""
    return tuple(_stamp(Path(directory) / name) for name in FILES)


def is_settled(stamp: Stamp, now: float) -> bool:
    """Whether nothing has written to the files lately, at the Unix time ``now``.

    A file that is half written can be a valid catalogue with half of the commands. Files that were changed later than
    ``now`` count as settled: the clock was set back, and nobody should wait for it.
    """
    changed = max((one.changed_ns / 1e9 for one in stamp if one is not None), default=0.0)
    return not 0 <= now - changed < SETTLED_S


def _stamp(file: Path) -> FileStamp | None:
    try:
        told = file.stat()
    except OSError:
        return None
    return FileStamp(told.st_mtime_ns, told.st_size, told.st_ino, told.st_ctime_ns)


def _bytes(file: Path) -> bytes:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would hold its reader for ever
            raise Invalid(f"{file.name}:1: This is not a file: the folder {file.parent} needs one.")
        with file.open("rb") as opened:
            return opened.read(reading.LARGEST + 1)
    except OSError as error:
        raise Invalid(
            f"{file.name}:1: This file can't be read ({error.strerror}): it must be readable in the folder {file.parent}."
        ) from error


def _keys(value: object, word: str) -> dict[str, object]:
    found = value.get(word) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _fingerprint(raw: dict[str, bytes]) -> str:
    told = hashlib.sha256()
    for name in FILES:
        told.update(hashlib.sha256(raw[name]).digest())
    return told.hexdigest()
