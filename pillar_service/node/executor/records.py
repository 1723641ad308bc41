"""The records of this node's runs, on disk: that a run is under way, or how it ended. They are kept for a day."""

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.node import disk
from pillar_service.node.paths import Home

KEPT_S = 86_400.0
RUNNING = "running"
NAMED = re.compile(r"([0-9a-f]{16})\.([0-9]{1,6})", re.ASCII)


@dataclass(frozen=True)
class Record:
    """One attempt of a job on this node, and the paths of its files."""

    home: Home
    job: str
    attempt: int

    @classmethod
    def of(cls, home: Home, job: object, attempt: object) -> "Record":
        """The record for a job's id and the number of an attempt; raises Invalid."""
        return cls(home, job_id(job), names.whole_number(attempt, "attempt", 1, 999_999))

    @property
    def name(self) -> str:
        """Its file name in each of the executor's folders."""
        return f"{self.job}.{self.attempt}"

    @property
    def lines(self) -> Path:
        """The file with the lines that the service does not have yet."""
        return folder(self.home, "lines") / self.name

    @property
    def scratch(self) -> Path:
        """The folder that the command works in."""
        return folder(self.home, "scratch", 0o711) / self.name

    @property
    def _file(self) -> Path:
        return folder(self.home, "runs") / f"{self.name}.json"

    def read(self) -> dict[str, Any] | None:
        """What is written down; None when there is nothing readable."""
        try:
            return dict(json.loads(self._file.read_bytes()))
        except (OSError, ValueError):
            return None

    def write(self, told: Mapping[str, Any]) -> None:
        """Write the record durably."""
        disk.write_atomically(self._file, json.dumps(told).encode())
        disk.sync_folder(self._file.parent)

    @contextmanager
    def held(self, wait: bool = True) -> Iterator[bool]:
        """Lock the run for this process and its children; yields False if another holds it and ``wait`` is False."""
        with _locked(folder(self.home, "locks") / self.name, wait) as held:
            yield held

    def is_held(self) -> bool:
        """Whether some process holds this run."""
        with self.held(wait=False) as ours:
            return not ours


def job_id(job: object) -> str:
    """A job's id; raises Invalid. Also takes an id of digits only, which Salt's command line turned into a number."""
    written = f"{job:016d}" if isinstance(job, int) and not isinstance(job, bool) else job
    if names.is_id(written):
        return written
    raise Invalid(f"{names.shown(job)} is not a job's id: it has 16 lower-case hexadecimal digits.")


def folder(home: Home, name: str, mode: int = 0o700) -> Path:
    """One of the executor's folders, created if it is missing."""
    found = home.executor / name
    if not found.is_dir():
        for path, its in ((home.executor, 0o711), (found, mode)):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(its)
    return found


@contextmanager
def _locked(path: Path, wait: bool) -> Iterator[bool]:
    # A lock on an open file: child processes share it, and the kernel releases it when the last of them ends.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        held = True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            held = False
        yield held
    finally:
        os.close(file)


@contextmanager
def slot(home: Home, command: str, most: int | None) -> Iterator[bool]:
    """Take one of the ``most`` slots that a command has on this node (None: no limit); yields whether one was free."""
    for n in range(most or 0):
        with _locked(folder(home, "slots") / f"{command}.{n}", wait=False) as held:
            if held:
                yield True
                return
    yield most is None


def known(home: Home, job: str | None = None) -> list[Record]:
    """All runs that have a record, or those of one job, sorted by job and attempt."""
    found = (NAMED.fullmatch(path.stem) for path in folder(home, "runs").glob(f"{job or '*'}.*.json"))
    return sorted((Record(home, one[1], int(one[2])) for one in found if one), key=lambda one: (one.job, one.attempt))


def unsent(home: Home) -> list[Record]:
    """All runs with lines that the service does not have yet, oldest first."""
    paths = sorted(folder(home, "lines").iterdir(), key=_written_at)
    return [Record(home, one[1], int(one[2])) for path in paths if (one := NAMED.fullmatch(path.name))]


def _written_at(path: Path) -> float:
    with suppress(FileNotFoundError):  # it has been sent meanwhile
        return path.stat().st_mtime
    return 0.0


def sweep(home: Home, now: float | None = None) -> None:
    """Remove what is older than a day, and the scratch folders of runs that are over."""
    before = (time.time() if now is None else now) - KEPT_S
    for name in ("runs", "lines", "locks"):
        for path in folder(home, name).iterdir():
            with suppress(OSError):
                if path.stat().st_mtime < before and not _of(home, path).is_held():
                    path.unlink()
    for path in folder(home, "scratch", 0o711).iterdir():
        with suppress(OSError):
            if not _of(home, path).is_held():
                shutil.rmtree(path, ignore_errors=True)


def named(home: Home, name: str) -> Record | None:
    """The run of that name; None if it is no run's name."""
    found = NAMED.fullmatch(name)
    return Record(home, found[1], int(found[2])) if found else None


def _of(home: Home, path: Path) -> Record:
    found = named(home, path.name.removesuffix(".json"))
    if found is None:
        raise FileNotFoundError(path)
    return found
