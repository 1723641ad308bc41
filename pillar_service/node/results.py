"""The duty `results`: puts the results of our runs into the spool, whether or not a master is there to take them.

The minion writes each return to disk before it sends it (``cache_jobs``; salt.minion.Minion._prepare_return_pub,
salt.utils.minion.cache_jobs), so it is found even if the minion is killed. Salt itself gives up sooner or later, or when the
process that tries to send it ends.
"""

import contextlib
import logging
import stat
import time
from pathlib import Path
from typing import Any

import salt.utils.msgpack

from pillar_service.core.errors import Full, SaltcellarError
from pillar_service.core.events.submission import JOB_RESULT, Priority
from pillar_service.core.jobs.results import Result
from pillar_service.node.spool import Spool

log = logging.getLogger(__name__)

STREAM = "jobs"
OURS_ALONE = 0o700
WRITTEN_WITHIN_S = 60.0
"""An unreadable file may be half written; after so many seconds nobody is writing it any more."""


class Results:
    """Runs every second. ``cache`` is the minion's ``cachedir``. Returns that are not of our runs are just deleted."""

    name, every_s = "results", 1.0

    def __init__(self, cache: Path, spool: Spool) -> None:
        self._folder, self._spool, self._said = cache / "minion_jobs", spool, ""

    def run(self, now_monotonic: float) -> None:
        """Take the returns that are there; while the spool is full, they stay."""
        # Salt would let everybody on this machine read the returns.
        self._folder.mkdir(mode=OURS_ALONE, parents=True, exist_ok=True)
        if stat.S_IMODE(self._folder.stat().st_mode) != OURS_ALONE:
            self._folder.chmod(OURS_ALONE)  # only if need be: each call is written to disk
        why = ""
        for file in sorted(self._folder.glob("*/return.p")):
            try:
                self._take(file)
            except Full as error:
                why = f"Results of runs are waiting for room. {error.sentence}"
                break
            except OSError as error:  # a bad block, say, which those behind it need not wait for
                why = f"{file} can't be read ({error.strerror})."
        self._say(why)

    def _take(self, file: Path) -> None:
        told = _read(file)
        if told is None:
            return
        result = Result.of_salt(told)
        if result is not None:
            self._put(result)
        file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            file.parent.rmdir()

    def _put(self, result: Result) -> None:
        try:
            self._spool.put(JOB_RESULT, result.run, result.data(), stream=STREAM, priority=Priority.HIGH)
        except Full:
            raise
        except SaltcellarError as error:
            log.warning("results: only Salt's return reports the result of run %s. %s", result.run, error.sentence)

    def _say(self, why: str) -> None:
        if why and why != self._said:
            log.warning("results: %s", why)
        self._said = why


def _read(file: Path) -> dict[str, Any] | None:
    """What the minion wrote; None while it may still be writing, and {} for a file that is unreadable for good."""
    with contextlib.suppress(FileNotFoundError):
        written = file.read_bytes()
        with contextlib.suppress(Exception):  # for half a file, msgpack raises various exceptions
            told = salt.utils.msgpack.unpackb(written, raw=False, unicode_errors="replace")
            if isinstance(told, dict):
                return told
        if time.time() - file.stat().st_mtime > WRITTEN_WITHIN_S:
            return {}
    return None
