"""A tar on the service's disk: it is there, complete, before anybody is told so."""

import errno
import hashlib
import os
from pathlib import Path
from typing import IO

from pillar_service.core.errors import Full

CHUNK = 1 << 20


def write(part: Path, stream: IO[bytes]) -> tuple[int, str]:
    """Write a new file; returns its size and sha256. Raises Full if the disk is full."""
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("wb") as file:
            while chunk := stream.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Full(
                "The service's disk is full: the tar was not kept. Free some space there, then try again."
            ) from error
        raise
    return size, digest.hexdigest()


def keep(part: Path, final: Path) -> None:
    """Give a file its final name."""
    part.rename(final)
    _flush(final.parent)


def link(kept: Path, another: Path) -> None:
    """Give a file a second name."""
    os.link(kept, another)
    _flush(another.parent)


def _flush(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
