"""The duty `drops`: takes events from files that anything on this node puts into the folder ``drop`` of its home.

A file is a JSON object: ``type``, ``subject``, ``data``, and optionally ``stream`` and ``priority`` (1 to 4). Files are
taken oldest first, once nobody has them open for writing; names that begin with a dot are ignored. So write a file under
such a name and rename it, or just write and close it. It is put into the spool, then deleted; if the node dies in between,
it is submitted twice. A malformed file is moved into ``refused``, with the reason beside it. While the spool is full, files
wait.

Only root may use the folder at first; widen it (``chmod 1733``) to let others submit. Whatever they put there (an odd name,
a file that stays open, a lease on it) holds up only that entry.
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
"""How many files are taken in one run."""
NAME_BYTES = 60
"""How many bytes of a file's name are kept: with what is added before and after, they must fit into the 255 of a name."""
MOST_REFUSED = 100
SETTLED_S = 5.0
F_SETSIG = 10
"""A command of Linux's fcntl(2), for which Python has no name."""
KNOWN = {"type", "subject", "data", "stream", "priority"}


class Drops:
    """Looks into the folder every second."""

    name, every_s = "drops", 1.0

    def __init__(self, home: Home, spool: Spool) -> None:
        self._folder, self._spool, self._said = home.drop, spool, ""
        self._taking, self._refused = home.drop / "taking", home.drop / "refused"

    def run(self, now_monotonic: float = 0.0) -> None:
        """Take the files that are there."""
        try:
            for folder in (self._folder, self._taking, self._refused):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            faults = self._gather() + self._take_all()
        except (SaltcellarError, OSError) as error:
            faults = [error]
        said = str(faults[0]) if faults else ""
        if said not in ("", self._said):
            log.warning("drops: files are waiting. %s", said)
        self._said = said

    def _gather(self) -> list[Exception]:
        """Move the files to where nobody can replace them, under names that sort by age; returns what failed."""
        faults: list[Exception] = []
        for entry in list(os.scandir(self._folder)):
            try:
                if entry.name[0] != "." and not entry.is_dir(follow_symlinks=False):
                    os.rename(entry.path, self._taking / _name(entry))
            except OSError as error:
                faults.append(error)
        return faults

    def _take_all(self) -> list[Exception]:
        """Take the oldest files that can be taken, not counting those still being written; returns what failed."""
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
        """Take a file, or set it aside; returns False if it is still being written."""
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
        log.warning("drops: %s was refused. %s", path.name, error.sentence)
        path.replace(self._refused / path.name)
        disk.write_atomically(self._refused / f"{path.name}.why", f"{error.sentence}\n".encode())
        for old in sorted(self._refused.iterdir())[: -2 * MOST_REFUSED]:
            old.unlink()


def _name(entry: "os.DirEntry[str]") -> str:
    found = entry.stat(follow_symlinks=False)
    # A byte that can't be decoded becomes a character of three bytes: 180 at most.
    own = os.fsencode(entry.name)[:NAME_BYTES].decode(errors="replace")
    return f"{found.st_mtime_ns:020d}-{found.st_ino}-{own}"


def _closed(path: Path) -> bytes | None:
    """The content of a file; None while somebody has it open for writing. Raises Invalid for anything but a plain file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise Invalid("It is a link or a socket: drop a plain file.") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise Invalid("It is not a plain file, or it has further hard links: drop a copy.")
        if not _is_closed(descriptor):
            return None
        return file.read(LARGEST + 4097)


def _is_closed(descriptor: int) -> bool:
    """Whether nobody has the file open for writing: if somebody has, the kernel grants no read lease (fcntl(2)) on it."""
    try:
        # If somebody opens the file right now, the kernel signals us: by SIGURG, which does nothing; SIGIO would end us.
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
        raise Invalid(f"An event may have at most {LARGEST >> 10} KiB of data: send less, or split it.")
    try:
        told = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"It is no JSON ({error}).") from error
    if not isinstance(told, dict) or not told.keys() <= KNOWN:
        raise Invalid(f"Write a JSON object with these keys and nothing else: {', '.join(sorted(KNOWN))}.")
    return told
