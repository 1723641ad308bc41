"""A process and those below it, as the kernel tells of them."""

import contextlib
from pathlib import Path

MOST = 64
"""Processes of a tree that are looked at."""

STATE, STARTED = 0, 19
"""Fields of /proc/PID/stat (proc(5)), counted from the one after the name."""


def mark(pid: int) -> object:
    """What tells this process from a later one with its number; None when there is none."""
    fields = _fields(pid)
    return (pid, fields[STARTED]) if fields else None


def is_stopped(pid: int) -> bool:
    """Whether a process of this one's tree was sent SIGSTOP and never went on."""
    looked = [pid] if pid else []
    for one in looked:
        if (fields := _fields(one)) and fields[STATE] in "Tt":
            return True
        with contextlib.suppress(OSError):
            looked += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split()[: MOST - len(looked)])
    return False


def _fields(pid: int) -> list[str]:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")  # a process is called what it likes
    except OSError:
        return []
    return told[told.rfind(")") + 2 :].split()
