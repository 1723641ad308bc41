"""Locks on open files: the kernel releases one when the last process that has the file open ends."""

import fcntl
from typing import IO


def taken(file: int | IO[bytes]) -> bool:
    """Take an open file's exclusive lock without waiting; returns whether it was free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
