"""The duty `drops`: takes events from files that anything on this node puts into the folder ``drop`` of its home.

A file is a JSON object: ``type``, ``subject``, ``data``, and, if wanted, ``stream`` and ``priority`` (1 to 4). It is read
when nobody has it open for writing any more, oldest first, unless its name begins with a dot: so write it there and rename
it, or just write and close it. Then it is in the spool, and gone; the node may die in between, and then it is submitted
twice. What makes no sense is moved into ``refused``, with the reason beside it. With the spool full, files wait.

The folder is made for root alone; widen it (``chmod 1733``) if others may submit. Whatever one of them puts there (a name,
a file that stays open, a lease on it) holds up that entry alone.
"""

import errno
import fcntl
import json
import logging
import os
import signal
import stat
import time
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Invalid, SaltcellarError
from pillar_service.core.events.submission import LARGEST, Priority
from pillar_service.node import disk, submitting
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool

log = logging.getLogger(__name__)

AT_ONCE = 100
"""How many files are taken in one look."""
NAME_BYTES = 60
"""What is kept of a file's name: with what stands before and behind, it must fit into the 255 bytes that a name may have."""
MOST_REFUSED = 100
SETTLED_S = 5.0
F_SETSIG = 10
"""Of Linux; Python does not name it."""
KNOWN = {"type", "subject", "data", "stream", "priority"}


class Drops:
    """Looks each second."""

    name, every_s = "drops", 1.0

    def __init__(self, home: Home, spool: Spool) -> None:
        self._folder, self._spool, self._said = home.drop, spool, ""
        self._taking, self._refused = home.drop / "taking", home.drop / "refused"

    def run(self, now_monotonic: float = 0.0) -> None:
        """Take what is there."""
        try:
            for folder in (self._folder, self._taking, self._refused):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            faults = self._gather() + self._take_all()
        except (SaltcellarError, OSError) as error:
            faults = [error]
        said = str(faults[0]) if faults else ""
        if said not in ("", self._said):
            log.warning("drops: files wait. %s", said)
        self._said = said

    def _gather(self) -> list[Exception]:
        """Move them to where nobody puts another one in their place, under names that sort by age; what failed."""
        faults: list[Exception] = []
        for entry in list(os.scandir(self._folder)):
            try:
                if entry.name[0] != "." and not entry.is_dir(follow_symlinks=False):
                    os.rename(entry.path, self._taking / _name(entry))
            except OSError as error:
                faults.append(error)
        return faults

    def _take_all(self) -> list[Exception]:
        """Take the oldest that can be taken; what failed. Those that are still written count for nothing."""
        faults: list[Exception] = []
        taken = 0
        for path in sorted(self._taking.iterdir()):
            try:
                taken += self._take(path)
            except OSError as error:
                faults.append(error)
            if taken == AT_ONCE:
                break
        return faults

    def _take(self, path: Path) -> bool:
        """Take a file, or set it aside; whether nobody writes it any more."""
        try:
            if (written := _closed(path)) is None:
                return False
            _submitted(self._spool, written)
        except Invalid as error:
            self._set_aside(path, error)
        else:
            path.unlink()
            disk.sync_folder(self._taking)
        return True

    def _set_aside(self, path: Path, error: SaltcellarError) -> None:
        log.warning("drops: %s is refused. %s", path.name, error.sentence)
        path.replace(self._refused / path.name)
        disk.write_atomically(self._refused / f"{path.name}.why", f"{error.sentence}\n".encode())
        for old in sorted(self._refused.iterdir())[: -2 * MOST_REFUSED]:
            old.unlink()


def _name(entry: "os.DirEntry[str]") -> str:
    found = entry.stat(follow_symlinks=False)
    # A byte that is cut apart becomes a sign of three bytes: 180 at most.
    own = os.fsencode(entry.name)[:NAME_BYTES].decode(errors="replace")
    return f"{found.st_mtime_ns:020d}-{found.st_ino}-{own}"


def _closed(path: Path) -> bytes | None:
    """What is in a file that nobody writes any more; None while somebody does. Raises Invalid for what is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise Invalid("It is a link or a socket: drop a file.") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise Invalid("It is no file, or has another name elsewhere: drop a file of its own.")
        if not _is_closed(descriptor):
            return None
        return file.read(LARGEST + 4097)


def _is_closed(descriptor: int) -> bool:
    """Nobody can be given a lease (fcntl(2)) for reading while a file is open for writing somewhere."""
    try:
        # Who opens it right now makes the kernel send a signal: one that does nothing, instead of one that ends us.
        fcntl.fcntl(descriptor, F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return False
    except OSError:  # this file system has no leases
        return abs(time.time() - os.fstat(descriptor).st_mtime) > SETTLED_S
    return True


def _submitted(spool: Spool, written: bytes) -> None:
    told = _object(written)
    needed = {name: told.get(name) for name in ("type", "subject", "data", "stream")}
    submitting.submit(spool, **needed, priority=told.get("priority", int(Priority.NORMAL)))


def _object(written: bytes) -> dict[str, Any]:
    if len(written) > LARGEST + 4096:
        raise Invalid(f"An event may have {LARGEST >> 10} KiB of data: send less, or in parts.")
    try:
        told = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"It is no JSON ({error}).") from error
    if not isinstance(told, dict) or not told.keys() <= KNOWN:
        raise Invalid(f"Write a JSON object with these and nothing else: {', '.join(sorted(KNOWN))}.")
    return told
