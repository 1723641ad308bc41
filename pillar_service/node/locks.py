"""Locks of open files: the kernel takes one back with the last process that has the file open."""

import fcntl
from typing import IO


def taken(file: int | IO[bytes]) -> bool:
    """Take an open file's lock for this process alone, if nobody else has it at this moment; whether that was so."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
