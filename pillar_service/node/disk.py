"""What a bot's data takes on disk."""

import hashlib
import os
from pathlib import Path
from typing import IO


def used_bytes(folder: Path) -> int:
    """The bytes of every file below a folder, following no link; 0 when there is no such folder."""
    total = 0
    if not folder.is_dir():
        return 0
    for _, _, files, directory in os.fwalk(folder, follow_symlinks=False):
        total += sum(_size(name, directory) for name in files)
    return total


def _size(name: str, directory: int) -> int:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def write_atomically(path: Path, written: bytes, mode: int = 0o600) -> None:
    """Replace a file in a directory of root's; after a crash the old or the new content is there, whole."""
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


def sha256(file: IO[bytes]) -> str:
    """The sha256 of an open file, from where it stands to its end."""
    return hashlib.file_digest(file, "sha256").hexdigest()
