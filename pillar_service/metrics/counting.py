"""Counting in this process. A server begins with `begin`: then each worker counts into a file of its own."""

import logging
import os
import shutil
import threading
from functools import cache
from pathlib import Path
from typing import Any

from pillar_service.metrics.families import BUCKETS, WORKERS, Family, Kind

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""What the library looks at when it is imported, which is why it is not imported before `_made`."""

FILES = ("counter", "histogram", "gauge_livesum")
ROOM = 256 << 10
"""So many bytes of the disk each file of a process takes at once, four times what the library begins with."""

log = logging.getLogger(__name__)


class _Files:
    """Whether this process has files to count into; one that has none, as on a full disk, counts nothing."""

    are_there = True


def begin(folder: Path, app: str) -> None:
    """Count into files from now on: one of each process, in the folder of this app, emptied of what was before.

    Before the first count, in the process that workers are forked from.
    """
    mine = folder / app
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(mode=0o700, parents=True)
    os.environ[FOLDER] = str(mine)


def work_begins() -> None:
    """A worker process begins, if need be without figures."""
    try:
        _reserve(Path(os.environ[FOLDER]))
    except OSError as error:
        log.error("Nothing is counted by process %s: its files can't be made (%s).", os.getpid(), error)
        _Files.are_there = False
    else:
        _of(WORKERS, ()).set(1)


def _reserve(folder: Path) -> None:
    # They are written through memory: a block that a full disk does not have then kills the process (SIGBUS).
    files = [folder / f"{kind}_{os.getpid()}.db" for kind in FILES]
    try:
        for file in files:
            with file.open("ab") as made:
                os.posix_fallocate(made.fileno(), 0, ROOM)
    except OSError:
        for file in files:
            file.unlink(missing_ok=True)
        raise


def work_ended(pid: int) -> None:
    """A worker process is gone: what it counted stays, but it is not alive."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def count(family: Family, *labels: str) -> None:
    """One more."""
    if _Files.are_there:
        _of(family, labels).inc()


def observe(family: Family, value: float, *labels: str) -> None:
    """Something took so long (seconds)."""
    if _Files.are_there:
        _of(family, labels).observe(value)


_making = threading.Lock()
"""Two threads that count the first at once would make the same family twice, which the library refuses."""


def _of(family: Family, labels: tuple[str, ...]) -> Any:
    with _making:
        return _labelled(family, labels)


@cache
def _labelled(family: Family, labels: tuple[str, ...]) -> Any:
    made = _made(family)
    return made.labels(*labels) if labels else made


@cache
def _made(family: Family) -> Any:
    import prometheus_client

    name, told, labels = family.name, family.help, family.labels
    if family.kind is Kind.COUNTER:
        return prometheus_client.Counter(name, told, labels)
    if family.kind is Kind.GAUGE:
        return prometheus_client.Gauge(name, told, labels, multiprocess_mode="livesum")
    return prometheus_client.Histogram(name, told, labels, buckets=BUCKETS)
