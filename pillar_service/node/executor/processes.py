"""Finds the descendants of a process in /proc, and sends signals that can't reach another process by mistake."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple


class Process(NamedTuple):
    """A process; ``start`` (ticks since boot) tells it from a later one with the same id."""

    pid: int
    parent: int
    start: int
    is_zombie: bool


def look(pid: int) -> Process | None:
    """The process with that id; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            told = file.read()
    except OSError:
        return None
    words = told[told.rfind(b")") + 2 :].split()
    return Process(pid, int(words[1]), int(words[19]), words[0] in (b"Z", b"X"))


def everybody() -> Iterator[Process]:
    """All processes of the system."""
    for name in os.listdir("/proc"):
        if name.isdigit() and (found := look(int(name))):
            yield found


def descendants(of: int) -> list[Process]:
    """The living descendants of a process, in whatever group or session they are."""
    children: dict[int, list[Process]] = {}
    for process in everybody():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    looked = [of]
    while looked:
        below = children.pop(looked.pop(), [])
        found += below
        looked += [process.pid for process in below]
    return [process for process in found if not process.is_zombie]


def send(process: Process, number: signal.Signals) -> bool:
    """Send a signal to exactly this process, and to no later one with its id; False if it is gone."""
    with suppress(OSError):
        handle = os.pidfd_open(process.pid)
        try:
            found = look(process.pid)
            if found is not None and found.start == process.start:
                signal.pidfd_send_signal(handle, number)
                return True
        finally:
            os.close(handle)
    return False


def count_of(uid: int) -> int:
    """How many processes a user has."""
    found = 0
    for name in os.listdir("/proc"):
        with suppress(OSError):
            found += name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid
    return found
