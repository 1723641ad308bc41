"""Counting in this process. A server calls `begin`; after that each worker counts into a file of its own."""

import logging
import os
import shutil
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pillar_service.metrics.families import BUCKETS, WORKERS, Family, Kind

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library reads this variable when it is imported, so it must not be imported before `_made`."""

BOOT = "boot"
"""The file in an app's folder that names the boot in which it counts: after another one, process ids mean nothing."""

FILES = ("counter", "histogram", "gauge_livesum")
ROOM = 256 << 10
"""How many bytes of disk each of a process's files reserves at once: four times what the library begins with."""

log = logging.getLogger(__name__)


class _Files:
    """Whether this process has files to count into; without them, as on a full disk, it counts nothing."""

    are_there = True


def begin(folder: Path, app: str) -> None:
    """Count into files from now on: one for each process, in the app's folder, which is emptied first.

    Must be called before anything is counted, in the process from which workers are forked.
    """
    mine = folder / app
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(mode=0o700, parents=True)
    with suppress(OSError):  # a full disk
        (mine / BOOT).write_text(_this_boot())
    os.environ[FOLDER] = str(mine)


def is_of_another_boot(mine: Path) -> bool:
    """Whether an app's folder was begun before this machine was last started; not if that was not written down."""
    with suppress(OSError):
        return (mine / BOOT).read_text() not in ("", _this_boot())
    return False


@cache
def _this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def work_begins() -> None:
    """Prepare a new worker process for counting; if its files can't be made, it runs without metrics."""
    try:
        _reserve(Path(os.environ[FOLDER]))
    except OSError as error:
        log.error("Process %s counts nothing: its files can't be made (%s).", os.getpid(), error)
        _Files.are_there = False
    else:
        _of(WORKERS, ()).set(1)


def _reserve(folder: Path) -> None:
    # The files are memory-mapped: writing to a block that a full disk can't provide would kill the process (SIGBUS).
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
    """Note that a worker process is gone: its counts stay, but it no longer counts as alive."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def count(family: Family, *labels: str) -> None:
    """Increase a counter by one."""
    if _Files.are_there:
        _of(family, labels).inc()


def observe(family: Family, value: float, *labels: str) -> None:
    """Observe a duration in seconds."""
    if _Files.are_there:
        _of(family, labels).observe(value)


_making = threading.Lock()
"""Two threads that count something for the first time at once would make the same family twice, which the library refuses."""


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
