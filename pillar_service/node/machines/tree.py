"""A process and its descendants, as the kernel shows them."""

import contextlib
from pathlib import Path

MOST = 64
"""How many processes of a tree are looked at."""

STATE, STARTED = 0, 19
"""Fields of /proc/PID/stat (proc(5)), counted from the one after the name."""


def mark(pid: int) -> object:
    """What tells this process from a later one with the same id; None if there is no such process."""
    fields = _fields(pid)
    return (pid, fields[STARTED]) if fields else None


def is_stopped(pid: int) -> bool:
    """Whether a process of this tree is stopped (as by SIGSTOP)."""
    looked = [pid] if pid else []
    for one in looked:
        if (fields := _fields(one)) and fields[STATE] in "Tt":
            return True
        with contextlib.suppress(OSError):
            looked += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split()[: MOST - len(looked)])
    return False


def _fields(pid: int) -> list[str]:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")  # a process's name may be any bytes
    except OSError:
        return []
    return told[told.rfind(")") + 2 :].split()
