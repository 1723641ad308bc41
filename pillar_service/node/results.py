"""The duty `results`: what runs of ours came to goes into the spool, whether or not a master is there to take it.

The minion writes each return down before it sends it (``cache_jobs``; salt.minion.Minion._prepare_return_pub,
salt.utils.minion.cache_jobs): there it is found, even if the minion was killed meanwhile. Salt's own tries end sooner or
later, and with the process that makes them.
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
"""A file that can't be read may be half written; after so long nobody writes it any more."""


class Results:
    """Each second. ``cache`` is the minion's ``cachedir``. What is no run of ours is only removed."""

    name, every_s = "results", 1.0

    def __init__(self, cache: Path, spool: Spool) -> None:
        self._folder, self._spool, self._said = cache / "minion_jobs", spool, ""

    def run(self, now_monotonic: float) -> None:
        """Take what is there; with a full spool it stays where it is."""
        # Salt would let everybody on this machine read what is returned.
        self._folder.mkdir(mode=OURS_ALONE, parents=True, exist_ok=True)
        if stat.S_IMODE(self._folder.stat().st_mode) != OURS_ALONE:
            self._folder.chmod(OURS_ALONE)  # only then: each call is written to the disk
        why = ""
        for file in sorted(self._folder.glob("*/return.p")):
            try:
                self._take(file)
            except Full as error:
                why = f"What came of runs waits for room. {error.sentence}"
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
            log.warning("results: what run %s came to is told by its return alone. %s", result.run, error.sentence)

    def _say(self, why: str) -> None:
        if why and why != self._said:
            log.warning("results: %s", why)
        self._said = why


def _read(file: Path) -> dict[str, Any] | None:
    """What the minion wrote down; None while it may still write. What nobody can read is as good as nothing."""
    with contextlib.suppress(FileNotFoundError):
        written = file.read_bytes()
        with contextlib.suppress(Exception):  # what msgpack raises at half a file is not one kind
            told = salt.utils.msgpack.unpackb(written, raw=False, unicode_errors="replace")
            if isinstance(told, dict):
                return told
        if time.time() - file.stat().st_mtime > WRITTEN_WITHIN_S:
            return {}
    return None
