"""A node's disk: how much is used, whether there is room for more, and crash-safe writing and deleting."""

import errno
import hashlib
import math
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pillar_service.core.errors import Full

DEEPEST = 32
"""How many levels of folders are looked at; a pub's own are four deep."""

MARGIN = 64 << 20
"""Bytes that must stay free on a disk besides what is about to be written."""


def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str], int]]:
    """Like os.fwalk, with paths relative to the folder (``.``), without following links, and no deeper than ``DEEPEST``.

    os.fwalk recurses and keeps each parent folder open: without the limit, the folder's owner could exhaust it.
    """
    for top, folders, files, directory in os.fwalk(folder, follow_symlinks=False):
        relative = os.path.relpath(top, folder)
        if relative.count("/") + 1 >= DEEPEST:
            folders.clear()
        yield relative, folders, files, directory


def used_bytes(folder: Path, within_s: float = math.inf) -> int:
    """The bytes of all files below a folder, without following links; 0 if there is no such folder.

    Counts only what it can within ``within_s`` seconds: the folder's owner may have made millions of files.
    """
    total, until = 0, time.monotonic() + within_s
    for _, _, files, directory in walk(folder) if folder.is_dir() else ():
        for name in files:
            if time.monotonic() > until:
                return total
            total += size(name, directory)
    return total


def size(name: str, directory: int) -> int:
    """The bytes of the entry of that name in an open folder (of a link, its own); 0 if it is gone."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def require_room(folder: Path, size: int, what: str, then: str) -> None:
    """Raise Full if ``size`` bytes more would fill the disk, which all bots of this node and perhaps Docker write to.

    The error's sentence says that ``what`` takes so many bytes, and what to do ``then``, once there is room.
    """
    free = shutil.disk_usage(folder).free
    if free < size + MARGIN:
        raise Full(
            f"{what} needs {(size + MARGIN) // 1_000_000} MB in {folder} for a while, but only {free // 1_000_000} MB are free "
            f"there: free some space, then {then}."
        )


def write_atomically(path: Path, written: bytes, mode: int = 0o600) -> None:
    """Replace a file in a folder that only root can write to; after a crash it has the old or the new content, whole."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(written)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_folder(folder: Path) -> None:
    """Delete a folder with all its content, however deep; raises OSError, also if it is a link.

    Not by shutil.rmtree, which recurses and keeps each parent folder open.
    """
    if folder.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    done = subprocess.run(["rm", "-rf", "--", str(folder)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"rm ended with {done.returncode}"]
        raise OSError(errno.EIO, said[-1], str(folder))


def sha256(file: IO[bytes]) -> str:
    """The sha256 of an open file, from its current position to its end."""
    return hashlib.file_digest(file, "sha256").hexdigest()
