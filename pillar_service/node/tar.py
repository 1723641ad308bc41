"""Tars of a pub's data: packed without following links, and unpacked without leaving the folder."""

import io
import json
import os
import shutil
import stat
import tarfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from pillar_service.core.bots import exports
from pillar_service.node import disk
from pillar_service.node.paths import PUB_USER

OWN = (exports.MANIFEST, "config")
"""The entries of a tar that do not come from the bot's data directory."""


def pack(
    folder: Path,
    config: Path,
    manifest: Mapping[str, Any],
    file: IO[bytes],
    kind: exports.Kind = exports.Kind.EVERYTHING,
) -> int:
    """Write a bot's files of that kind, and a manifest, as a tar; links are left out.

    The kind "everything" includes the bot's configuration. Returns how many files of the data directory are in the tar.
    """
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add_bytes(tar, exports.MANIFEST, json.dumps(manifest, sort_keys=True).encode())
        if kind is exports.Kind.EVERYTHING and config.is_file():
            _add_bytes(tar, "config", config.read_bytes())
        for path, directory, name in _wanted(folder):
            if exports.belongs(path, kind):
                _add(tar, path, directory, name)
        return sum(member.isfile() and member.name not in OWN for member in tar.getmembers())


def size(folder: Path, kind: exports.Kind) -> int:
    """About how many bytes a tar of that kind takes; holes in files count in full."""
    if not folder.is_dir():
        return 0
    return sum(disk.size(name, at) for path, at, name in _wanted(folder) if exports.belongs(path, kind))


def _wanted(folder: Path) -> Iterable[tuple[str, int, str]]:
    """Every entry that belongs in an export: its path, its parent's descriptor (open until the next entry), and its name."""
    for relative, folders, files, directory in disk.walk(folder):
        folders[:] = sorted(one for one in folders if _path(relative, one).split("/")[0] in exports.FOLDERS)
        for name in folders + sorted(files):
            path = _path(relative, name)
            if path not in OWN:
                yield path, directory, name


def _path(relative: str, name: str) -> str:
    return name if relative == "." else f"{relative}/{name}"


def _add(tar: tarfile.TarFile, path: str, directory: int, name: str) -> None:
    try:
        # Without O_NONBLOCK, opening a named pipe would block for ever.
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError:
        if stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            raise
        return
    with os.fdopen(opened, "rb") if stat.S_ISREG(os.fstat(opened).st_mode) else _Folder(opened) as file:
        member = _member(path, os.fstat(opened))
        if member and exports.allowed(member):
            tar.addfile(member, file if member.isfile() else None)


class _Folder:
    """The descriptor of something that is no file, closed at the end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def _member(path: str, found: os.stat_result) -> tarfile.TarInfo | None:
    member = tarfile.TarInfo(path)
    member.uid = member.gid = PUB_USER
    member.mtime = int(found.st_mtime)
    if stat.S_ISDIR(found.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, 0o700
        return member
    # A hard link to a file elsewhere on the disk is as bad as a symbolic link.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        return None
    member.size, member.mode = found.st_size, 0o600
    return member


def _add_bytes(tar: tarfile.TarFile, path: str, written: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.uid = member.gid = PUB_USER
    member.size, member.mode, member.mtime = len(written), 0o600, int(time.time())
    tar.addfile(member, io.BytesIO(written))


def unpack(file: IO[bytes], folder: Path) -> None:
    """Unpack a checked export into a new, empty folder of root's, then give all of it to the pub's user, durably.

    The configuration and the manifest are left out: the pillar decides the former, and the latter has done its work.
    """
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            if exports.allowed(member) and path not in ("config", exports.MANIFEST):
                _put(tar, member, folder / path)
    _give(folder)


def _put(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    # The path is relative and plain, and nothing in this folder is a link: `allowed` accepts only files and folders.
    (path if member.isdir() else path.parent).mkdir(parents=True, exist_ok=True)
    held = tar.extractfile(member) if member.isfile() else None
    if held:
        with held, path.open("wb") as file:
            shutil.copyfileobj(held, file)


def _give(folder: Path) -> None:
    for _, _, files, directory in os.fwalk(folder, topdown=False, follow_symlinks=False):
        for name in files:
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory)
            _own(opened, 0o600)
            os.close(opened)
        _own(directory, 0o700)


def _own(descriptor: int, mode: int) -> None:
    os.fchown(descriptor, PUB_USER, PUB_USER)
    os.fchmod(descriptor, mode)
    os.fsync(descriptor)
